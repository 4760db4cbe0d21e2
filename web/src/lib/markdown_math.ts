// Formulas: KaTeX with its fonts, loaded when the first formula appears.
import katex from "katex";
import "katex/dist/katex.min.css";

const kLongestFormula = 4_000;

// What defines macros is shown as it is written: a few of them could be expanded for minutes.
const kDefinition = /\\(?:[gex]?def|let|futurelet|global|long|(?:re|provide)?newcommand|providecommand)(?![a-zA-Z])/;

// Draws the formula into the element, or its source where it is none.
export function draw_formula(element: HTMLElement, source: string, display: boolean): void {
  if (source.length > kLongestFormula || kDefinition.test(source)) {
    element.textContent = source;
    return;
  }
  try {
    katex.render(source, element, {
      displayMode: display,
      throwOnError: true,
      strict: "ignore",
      trust: false,
      maxExpand: 500,
      maxSize: 30,
    });
  } catch {
    element.textContent = source;
  }
}
