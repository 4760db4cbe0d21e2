// Makes schemas and values that are valid for them, from a seed: the same seed makes the same ones everywhere.

// Mulberry32.
export function randomStream(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const below = (n) => Math.floor(next() * n);
  return {
    below,
    chance: (p) => next() < p,
    between: (least, most) => least + below(most - least + 1),
    pick: (list) => list[below(list.length)],
    digits: (n) => Array.from({ length: n }, () => below(10)).join(""),
  };
}

const WORDS = ["a", "Ada", "snake_case", "two words", "naïve", "你好，世界", "emoji 😀", 'say "hi"', "back\\slash", "line\nbreak",
  "tab\there", "", " ", "</think>", "null", "0", "é", "\u0001", "{\"x\": 1}", "a/b", "x".repeat(70)];
const NAMES = ["name", "id", "value", "first name", "tags", "süß", "数量", "a\"b", "x-y", "$price", "data", "kind", "next"];

// Patterns with a way to make what they match.
const hex = (r, n) => Array.from({ length: n }, () => r.pick([..."0123456789abcdef"])).join("");
const letters = (r, least, most) => Array.from({ length: r.between(least, most) }, () => r.pick([..."abcxyz"])).join("");
const PATTERNS = [
  ["^[a-z]{2,8}$", (r) => letters(r, 2, 8)],
  ["^\\d{3}-\\d{4}$", (r) => `${r.digits(3)}-${r.digits(4)}`],
  ["^(foo|bar|ba[zr]+)$", (r) => r.pick(["foo", "bar", "baz", "bazrz"])],
  ["[0-9]", (r) => `${r.pick(["", "x", "日"])}${r.digits(1)}${r.pick(["", "y", "\n", '"'])}`],
  ["^[A-Z]{3}[0-9]*$", (r) => "ABC" + r.digits(r.below(5))],
  ["^\\S+@\\S+$", (r) => `${letters(r, 1, 4)}@${letters(r, 1, 4)}`],
  ["^#[0-9a-f]{6}$", (r) => "#" + hex(r, 6)],
  ["^(?:a|b)+c?$", (r) => r.pick(["a", "ab", "bbac", "abc"])],
  ["^[^\\s\"]{1,5}$", (r) => r.pick(["abc", "日本", "a-b", "\\\\"])],
  ["^v\\d+\\.\\d+\\.\\d+$", (r) => `v${r.below(9)}.${r.below(99)}.${r.below(9)}`],
  ["end$", (r) => r.pick(WORDS) + "end"],
  ["^.{3}$", (r) => r.pick(["abc", "日本語", "a\"b", "1 2"])],
  ["^(\\([0-9]{3}\\))?[0-9]{3}$", (r) => r.pick(["", "(123)"]) + r.digits(3)],
  ["^[\\u4e00-\\u9fa5]+$", (r) => r.pick(["你好", "世界", "数"])],
];
const two = (r, least, most) => String(r.between(least, most)).padStart(2, "0");
const date = (r) => r.pick([`${r.between(1900, 2100)}-${two(r, 1, 12)}-${two(r, 1, 28)}`, "2024-02-29", "2000-02-29", "1999-12-31"]);
const time = (r) => `${two(r, 0, 23)}:${two(r, 0, 59)}:${two(r, 0, 59)}${r.pick(["", ".5", ".123"])}${r.pick(["Z", "+02:00", "-11:30"])}`;
const FORMATS = {
  date, time,
  "date-time": (r) => `${date(r)}T${time(r)}`,
  duration: (r) => r.pick(["P1Y", "P2W", "PT5M", "P1DT12H", "P3Y6M4DT12H30M5S"]),
  email: (r) => `${letters(r, 1, 6)}@${letters(r, 1, 6)}.org`,
  hostname: (r) => r.pick(["example.org", "localhost", "a-b.example.com"]),
  ipv4: (r) => Array.from({ length: 4 }, () => r.below(256)).join("."),
  ipv6: (r) => r.pick(["::1", "::", "2001:db8::1", "fe80:0:0:0:1:2:3:4", "1:2:3:4:5:6:7:8", "1::8"]),
  uri: (r) => r.pick(["https://example.org/a?b=c#d", "mailto:a@b.c", "urn:isbn:123", "http://localhost:8080/"]),
  uuid: (r) => `${hex(r, 8)}-${hex(r, 4)}-${hex(r, 4)}-${hex(r, 4)}-${hex(r, 12)}`,
};

// Every maker returns a schema and a function that makes a value for it (usually valid; the caller checks).
function string(r) {
  const kind = r.below(5);
  if (kind === 0) {
    const [pattern, make] = r.pick(PATTERNS);
    return [{ type: "string", pattern }, make];
  }
  if (kind === 1) {
    const format = r.pick(Object.keys(FORMATS));
    return [{ type: "string", format }, FORMATS[format]];
  }
  if (kind === 2) {
    const minLength = r.below(4), maxLength = minLength + r.below(30);
    return [{ type: "string", minLength, maxLength }, (q) => [...(q.pick(WORDS) + "😀ab\"cdef")].slice(0, q.between(minLength, maxLength)).join("")];
  }
  if (kind === 3) return [{ type: "string", minLength: 1 }, (q) => q.pick(WORDS)];
  return [{ type: "string" }, (q) => q.pick(WORDS)];
}

function number(r) {
  const type = r.pick(["integer", "number"]);
  const schema = { type };
  let least = -1000, most = 1000;
  if (r.chance(0.6)) {
    least = r.between(-200, 200);
    if (type === "number" && r.chance(0.5)) least += 0.25;
    schema[r.pick(["minimum", "exclusiveMinimum"])] = least;
  }
  if (r.chance(0.6)) {
    most = Math.ceil(least) + r.pick([1, 3, 50, 1234567]) + (type === "number" && r.chance(0.5) ? 0.125 : 0);
    schema[r.pick(["maximum", "exclusiveMaximum"])] = most;
  }
  let step = 1;
  if (type === "integer" && r.chance(0.25)) schema.multipleOf = step = r.pick([2, 3, 5, 7, 10, 25, 100]);
  return [schema, (q) => {
    const whole = Math.ceil(least / step) * step + step * q.below(Math.max(1, Math.floor((most - least) / step) + 1));
    return type === "number" && q.chance(0.6) ? q.pick([whole + 0.5, least, most, whole - 0.875, least + 0.001]) : whole;
  }];
}

function listed(r) {
  const values = [...new Set(Array.from({ length: r.between(1, 6) }, () => r.pick([...WORDS, 1, -2, 3.5, true, null])))];
  if (r.chance(0.2)) values.push([1, "two"], { three: 3 });
  return r.chance(0.25) ? [{ const: values[0] }, () => values[0]] : [{ enum: values }, (q) => q.pick(values)];
}

function scalar(r) {
  const kind = r.below(8);
  if (kind < 3) return string(r);
  if (kind < 5) return number(r);
  if (kind === 5) return listed(r);
  if (kind === 6) return [{ type: "boolean" }, (q) => q.chance(0.5)];
  return r.chance(0.5) ? [{ type: "null" }, () => null]
    : [{ type: ["string", "integer"], maxLength: 8, minimum: 3 }, (q) => q.pick(["text", 3, 12, ""])];
}

function array(r, depth) {
  const [items, make] = schema(r, depth - 1);
  const minItems = r.below(3), maxItems = minItems + r.below(4);
  if (r.chance(0.25)) {
    const [first, makeFirst] = schema(r, depth - 1);
    return [{ type: "array", prefixItems: [first, items], items: r.chance(0.5) ? false : { type: "integer" }, minItems: 1 },
      (q) => (q.chance(0.3) ? [makeFirst(q)] : [makeFirst(q), make(q)])];
  }
  const result = { type: "array", items };
  if (r.chance(0.6)) Object.assign(result, { minItems, maxItems });
  return [result, (q) => Array.from({ length: q.between(minItems, maxItems) }, () => make(q))];
}

function object(r, depth) {
  const properties = {}, makers = {}, required = [];
  for (let i = r.below(5); i > 0; --i) {
    const name = r.pick(NAMES);
    [properties[name], makers[name]] = schema(r, depth - 1);
  }
  for (const name of Object.keys(properties)) if (r.chance(0.5)) required.push(name);
  const result = { type: "object", properties, required };
  let other = () => ({});
  const kind = r.below(5);
  if (kind < 2) result.additionalProperties = false;
  if (kind === 2) {
    const [additional, make] = schema(r, depth - 2);
    result.additionalProperties = additional;
    other = (q) => Object.fromEntries(Array.from({ length: q.below(3) }, (_, i) => [`other ${i}`, make(q)]));
  }
  if (kind === 3) {
    const [numbered, make] = schema(r, depth - 2);
    Object.assign(result, { patternProperties: { "^n[0-9]+$": numbered }, additionalProperties: false });
    other = (q) => Object.fromEntries(Array.from({ length: q.below(3) }, (_, i) => [`n${i}`, make(q)]));
  }
  if (kind === 4) other = (q) => (q.chance(0.5) ? {} : { anything: q.pick([1, [null, "x"], { y: {} }]) });
  const names = Object.keys(properties);
  if (r.chance(0.2)) result.maxProperties = Math.max(required.length, names.length - 1, 1);
  if (r.chance(0.2) && names.length > 0) result.minProperties = Math.max(1, required.length);
  return [result, (q) => {
    const value = {};
    for (const name of names) if (required.includes(name) || q.chance(0.5)) value[name] = makers[name](q);
    Object.assign(value, other(q));
    // The numbers of members hold here too: in a union, a value of one option that breaks them may be valid by another, for which its
    // members come in the wrong order.
    const { maxProperties = Infinity, minProperties = 0 } = result;
    const surplus = Object.keys(value).filter((name) => !required.includes(name)).slice(Math.max(0, maxProperties - required.length));
    for (const name of surplus) delete value[name];
    if (minProperties > Object.keys(value).length) value[names[0]] = makers[names[0]](q);
    return value;
  }];
}

function union(r, depth) {
  if (r.chance(0.5)) {
    const options = Array.from({ length: r.between(2, 4) }, () => schema(r, depth - 1));
    return [{ anyOf: options.map(([option]) => option) }, (q) => q.pick(options)[1](q)];
  }
  // Told apart by a member with one value each.
  const options = ["circle", "square", "line"].map((kind) => {
    const [inside, make] = schema(r, depth - 1);
    return [{ type: "object", properties: { kind: { const: kind }, inside }, required: ["kind", "inside"], additionalProperties: false },
      (q) => ({ kind, inside: make(q) })];
  });
  return [{ oneOf: options.map(([option]) => option) }, (q) => q.pick(options)[1](q)];
}

function joined(r, depth) {
  const [a, makeA] = object(r, depth - 1), [b, makeB] = object(r, depth - 1);
  for (const part of [a, b]) for (const keyword of ["additionalProperties", "patternProperties", "maxProperties"]) delete part[keyword];
  // Members of both are those of the first alone.
  for (const name of Object.keys(a.properties)) {
    delete b.properties[name];
    b.required = b.required.filter((other) => other !== name);
  }
  return [{ allOf: [a, b] }, (q) => {
    const first = makeA(q), second = makeB(q), value = {};
    for (const name of Object.keys(a.properties)) if (name in first) value[name] = first[name];
    for (const name of Object.keys(b.properties)) if (name in second) value[name] = second[name];
    return value;
  }];
}

function schema(r, depth) {
  if (depth <= 0) return scalar(r);
  const kind = r.below(10);
  if (kind < 3) return scalar(r);
  if (kind < 5) return array(r, depth);
  if (kind < 8) return object(r, depth);
  return kind === 8 ? union(r, depth) : joined(r, depth);
}

// Lists and trees that refer to themselves.
function recursive(r) {
  const [value, make] = scalar(r);
  if (r.chance(0.5)) {
    const grow = (q, depth) => ({ value: make(q), next: depth > 3 || q.chance(0.4) ? null : grow(q, depth + 1) });
    return [{ type: "object", properties: { value, next: { anyOf: [{ $ref: "#" }, { type: "null" }] } }, required: ["value", "next"], additionalProperties: false },
      (q) => grow(q, 0)];
  }
  const grow = (q, depth) => {
    const node = { label: make(q) };
    if (depth < 3 && q.chance(0.6)) node.children = Array.from({ length: q.below(3) }, () => grow(q, depth + 1));
    return node;
  };
  return [{ $ref: "#/$defs/node", $defs: { node: { type: "object", properties: { label: value, children: { type: "array", items: { $ref: "#/$defs/node" } } },
    required: ["label"], additionalProperties: false } } }, (q) => grow(q, 0)];
}

// The i-th schema of a seed and the maker of its values.
export function makeSchema(seed, i) {
  const r = randomStream(seed * 1000003 + i);
  return i % 8 === 7 ? recursive(r) : i % 8 === 6 ? union(r, 2) : schema(r, 1 + (i % 3));
}
