// A thought as a list of steps, its paragraphs, which only ever grows at its end.

export interface ThoughtStep {
  key: number;
  text: string;
  // False for the further pieces of a paragraph that is too long for one.
  begins: boolean;
}

// A piece is at most this long, in UTF-16 units: so one more token never lays out much more than that.
const kLongestPiece = 1_200;
const kLongestTitle = 80;

const TAGS = ["<think>", "</think>", "<thinking>", "</thinking>"];

export class ThoughtSteps {
  #text = "";
  #settled: ThoughtStep[] = [];
  #settled_length = 0;

  // The steps of the text; all but those of its last paragraph are the same objects as last time.
  update(text: string, growing: boolean): ThoughtStep[] {
    if (!text.startsWith(this.#text)) {
      this.#settled = [];
      this.#settled_length = 0;
    }
    this.#text = text;
    const ends = /\n[ \t\r]*\n\s*/g;
    ends.lastIndex = this.#settled_length;
    for (let end = ends.exec(text); end; end = ends.exec(text)) {
      this.#settled.push(...this.#pieces(text.slice(this.#settled_length, end.index), false));
      this.#settled_length = ends.lastIndex;
    }
    return [...this.#settled, ...this.#pieces(text.slice(this.#settled_length), growing)];
  }

  #pieces(paragraph: string, growing: boolean): ThoughtStep[] {
    let rest = without_tags(paragraph, growing).trim();
    const pieces: ThoughtStep[] = [];
    while (rest !== "") {
      const length = piece_length(rest);
      const key = this.#settled.length + pieces.length;
      pieces.push({ key, text: rest.slice(0, length).trimEnd(), begins: pieces.length === 0 });
      rest = rest.slice(length).trimStart();
    }
    return pieces;
  }
}

// Up to the last end of a line, else of a sentence, else of a word, that fits into a piece.
function piece_length(text: string): number {
  if (text.length <= kLongestPiece) return text.length;
  const piece = text.slice(0, kLongestPiece);
  for (const end of ["\n", "。", ". ", " "]) {
    const at = piece.lastIndexOf(end);
    if (at > kLongestPiece / 2) return at + end.length;
  }
  const splits_a_pair = /[\uD800-\uDBFF]$/.test(piece);
  return splits_a_pair ? kLongestPiece - 1 : kLongestPiece;
}

// The text without the marks of thoughts; of a growing one also without what may become such a mark.
export function without_tags(text: string, growing: boolean): string {
  let plain = text.replace(/<\/?think(?:ing)?>/gi, "");
  // Taking marks out may have put others together.
  plain = plain.replace(/<(?=\/?think(?:ing)?>)/gi, "");
  while (growing) {
    const begin = plain.lastIndexOf("<");
    const end = plain.slice(begin, begin + 12).toLowerCase();
    if (begin < 0 || plain.length - begin > end.length || !TAGS.some((tag) => tag.startsWith(end))) break;
    plain = plain.slice(0, begin);
  }
  return plain;
}

// What an outline calls a step: its first line without marks, cut at a word where it is long.
export function step_title(step: ThoughtStep): string {
  const line = (step.text.split("\n", 1)[0] ?? "").replace(/^[#>*\-\s]+|[*`]+/g, "");
  const title = line === "" ? step.text : line;
  if (title.length <= kLongestTitle) return title;
  const cut = title.slice(0, kLongestTitle);
  const word = cut.lastIndexOf(" ");
  return `${word > kLongestTitle / 2 ? cut.slice(0, word) : cut.replace(/[\uD800-\uDBFF]$/, "")}…`;
}
