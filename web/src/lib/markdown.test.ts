// What Markdown is read as.
import { describe, expect, it } from "vitest";
import { markdown_blocks, type MarkdownNode } from "./markdown";

// A short notation for trees: tag(children), text as it is.
export function shown(nodes: MarkdownNode[]): string {
  return nodes
    .map((node) => {
      switch (node.kind) {
        case "text":
          return node.text;
        case "element":
          return `${node.tag}(${shown(node.children)})`;
        case "list":
          return `ol${node.start}(${shown(node.children)})`;
        case "cell":
          return `${node.tag}${node.align ? ":" + node.align : ""}(${shown(node.children)})`;
        case "table":
          return `table(${shown(node.children)})`;
        case "link":
          return `link<${node.url}>(${shown(node.children)})`;
        case "checkbox":
          return node.checked ? "[X]" : "[ ]";
        case "code":
          return `code<${node.language}${node.closed ? "" : " open"}>(${node.text})`;
        case "formula":
          return `${node.display ? "display" : "formula"}${node.closed ? "" : " open"}(${node.source})`;
      }
    })
    .join("");
}

function read(source: string, growing = false): string {
  return markdown_blocks(source, growing)
    .map((block) => shown(block.nodes))
    .join(" ");
}

describe("markdown", () => {
  it.each([
    ["plain", "p(plain)"],
    ["# A\n\n## B\n\n###### F", "h3(A) h4(B) h6(F)"],
    ["**a** *b* ~~c~~ `d`", "p(strong(a) em(b) s(c) code(d))"],
    ["- a\n- b", "ul(li(a)li(b))"],
    ["- a\n\n- b", "ul(li(p(a))li(p(b)))"],
    ["3. a\n4. b", "ol3(li(a)li(b))"],
    ["- [ ] a\n- [x] b", "ul(li([ ]a)li([X]b))"],
    ["a\nb", "p(abr()b)"],
    ["> a", "blockquote(p(a))"],
    ["---", "hr()"],
    ["|a|b|\n|-|-:|\n|1|2|", "table(thead(tr(th(a)th:right(b)))tbody(tr(td(1)td:right(2))))"],
    ["```Python\nx = 1\n```", "code<python>(x = 1)"],
    ["```\nx", "code< open>(x)"],
    ["```c++ title=\"x\"\nx\n```", "code<c++>(x)"],
    ["```\nx\n\n```", "code<>(x\n)"],
    ["```\n```", "code<>()"],
    ["    x", "code<>(x)"],
    ["<b>a</b>", "p(<b>a</b>)"],
    ["&lt;b&gt; &amp;", "p(<b> &)"],
  ])("reads %j", (source, tree) => {
    expect(read(source)).toBe(tree);
  });

  it.each([
    ["$x^2$", "p(formula(x^2))"],
    ["\\(x^2\\) and \\[y\\]", "p(formula(x^2) and display(y))"],
    ["a $$x$$ b", "p(a display(x) b)"],
    ["$$\nx\n= y\n- z\n$$", "display(x\n= y\n- z)"],
    ["so\n\\[\nx\n\\]\nthen", "p(so) display(x) p(then)"],
    ["- a\n  $$\n  x\n  $$", "ul(li(adisplay(x)))"],
    ["it costs $5 and $6", "p(it costs $5 and $6)"],
    ["$5-$10", "p($5-$10)"],
    ["$$ is money", "p($$ is money)"],
    ["$$\n\nnot within", "p($$) p(not within)"],
    ["\\$5 and $6", "p($5 and $6)"],
    ["`$x$`", "p(code($x$))"],
    ["$a_1*b$ and $c*d_2$", "p(formula(a_1*b) and formula(c*d_2))"],
    ["\\\\(x\\\\)", "p(\\(x\\))"],
  ])("reads formulas of %j", (source, tree) => {
    expect(read(source)).toBe(tree);
  });

  it.each([
    ["[a](https://b.c/d)", "p(link<https://b.c/d>(a))"],
    ["<https://b.c> https://d.e", "p(link<https://b.c>(https://b.c) link<https://d.e>(https://d.e))"],
    ["[a](mailto:b@c.d)", "p(link<mailto:b@c.d>(a))"],
    ["[a](javascript:alert(1))", "p([a](javascript:alert(1)))"],
    ["[a](/settings)", "p([a](/settings))"],
    ["[a](data:text/html,b)", "p([a](data:text/html,b))"],
    ["![a](https://b.c/d.png)", "p(link<https://b.c/d.png>(a))"],
    ["[a][b]\n\n[b]: https://c.d", "p(link<https://c.d>(a))"],
  ])("reads links of %j", (source, tree) => {
    expect(read(source)).toBe(tree);
  });

  it.each([
    ["a **b c", "p(a strong(b c))"],
    ["a ***b c", "p(a em(strong(b c)))"],
    ["a *b **c", "p(a em(b strong(c)))"],
    ["a ~~b", "p(a s(b))"],
    ["a `b c", "p(a code(b c))"],
    ["a [b](https://c", "p(a b)"],
    ["a ![b](https://c", "p(a b)"],
    ["**a** b", "p(strong(a) b)"],
    ["**a\n\nb **c", "p(**a) p(b strong(c))"],
    ["2 * 3 * 4", "p(2 * 3 * 4)"],
    ["$$\nx", "display open(x)"],
    ["```js\nx", "code<js open>(x)"],
  ])("closes what is open in the growing %j", (source, tree) => {
    expect(read(source, true)).toBe(tree);
  });
});
