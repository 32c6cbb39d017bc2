// Values as text: characters that cannot be seen, JSON in lines, Python literals, numbers.

const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\p{Cs}/u;
const UNSEEN_PARTS = new RegExp(`(${UNSEEN.source})`, "u");

function codePoint(character) {
  return `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}

// `text` as nodes, in which a character that cannot be seen, or that reorders others, is a token.
function visible(text) {
  if (!UNSEEN.test(text)) return [document.createTextNode(text)];
  return text
    .split(UNSEEN_PARTS)
    .filter((part) => part !== "")
    .map((part) => (UNSEEN.test(part) ? element("span.unseen", codePoint(part)) : part));
}

// `text` in one line, as far as it fits in a row.
function oneLine(text, length = 160) {
  const beginning = text.length > length ? `${text.slice(0, length)}…` : text;
  return beginning.replace(/\r?\n/g, "⏎").replace(/\t/g, "⇥");
}

function plural(count, noun) {
  return `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
}

function number(value) {
  return value.toLocaleString("en-US");
}

function seconds(value, digits = 3) {
  return `${value.toFixed(digits)} s`;
}

function bytesSize(value) {
  if (value < 1024) return `${value} B`;
  if (value < 1024 * 1024) return `${(value / 1024).toFixed(1)} KiB`;
  return `${(value / 1024 / 1024).toFixed(1)} MiB`;
}

// `["message", "content", 0, "text"]` as `content[0].text`.
function pathText(path) {
  let text = "";
  for (const part of path[0] === "message" ? path.slice(1) : path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (/^[A-Za-z_]\w*$/.test(part)) text += text ? `.${part}` : part;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text || "message";
}

// --- JSON ---------------------------------------------------------------------------------------

const STRING_HEAD = 160;
const STRING_TAIL = 160;

function scalarText(value) {
  if (typeof value === "string" && value.length > STRING_HEAD + STRING_TAIL + 40) {
    const left = value.length - STRING_HEAD - STRING_TAIL;
    const head = JSON.stringify(value.slice(0, STRING_HEAD)).slice(0, -1);
    const tail = JSON.stringify(value.slice(-STRING_TAIL)).slice(1);
    return `${head} … ${number(left)} characters … ${tail}`;
  }
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  return JSON.stringify(value);
}

// `value` in the lines that it has when indented: `{path, depth, key, text, kind}`.
//
// Of a container with many members, the first are shown and those around the last that `changes`
// touch, or the last; so that the lines of a growing value cost the same however large it is. One
// of `opened`, by its path as JSON, is shown whole.
function jsonLines(value, path = [], { changes = [], limit = 40, opened } = {}) {
  const lines = [];
  const add = (item, at, depth, key, end) => {
    const line = { path: at, depth, key, kind: item === null ? "null" : typeof item };
    lines.push(line);
    if (item === null || typeof item !== "object") {
      line.text = scalarText(item) + end;
      return;
    }
    const isArray = Array.isArray(item);
    const [open, close] = isArray ? "[]" : "{}";
    const keys = isArray ? null : Object.keys(item);
    const length = isArray ? item.length : keys.length;
    if (length === 0) {
      line.text = open + close + end;
      return;
    }
    line.text = open;
    for (const [from, to, isShown] of memberRanges(at, length, keys)) {
      if (!isShown) {
        const text = `… ${plural(to - from, isArray ? "item" : "member")} …`;
        lines.push({ path: at, depth: depth + 1, key: null, kind: "elided", text });
        continue;
      }
      for (let i = from; i < to; i++) {
        const name = isArray ? i : keys[i];
        add(item[name], [...at, name], depth + 1, isArray ? null : name, i < length - 1 ? "," : "");
      }
    }
    lines.push({ path: at, depth, key: null, kind: "object", text: close + end });
  };
  const memberRanges = (at, length, keys) => {
    if (length <= limit || opened?.has(JSON.stringify(at))) return [[0, length, true]];
    let focus = length - 1;
    for (const change of changes) {
      if (change.path.length <= at.length || !isWithin(change.path, at)) continue;
      const key = change.path[at.length];
      focus = keys === null ? key : keys.indexOf(key);
    }
    const head = Math.floor(limit / 4);
    const last = Math.min(length, Math.max(focus + head, limit));
    const first = Math.max(head, last - limit + head);
    const ranges = [[0, head, true], [head, first, false], [first, last, true], [last, length, false]];
    return ranges.filter(([from, to]) => to > from);
  };
  add(value, path, 0, null, "");
  return lines;
}

function lineNodes(line) {
  const indent = "  ".repeat(line.depth);
  const key = line.key === null ? [] : [element("span.key", visible(JSON.stringify(line.key))), ": "];
  const hasComma = line.text.endsWith(",");
  const text = hasComma ? line.text.slice(0, -1) : line.text;
  return [indent, ...key, element(`span.${line.kind}`, visible(text)), hasComma ? "," : null];
}

function isWithin(path, ancestor) {
  return path.length >= ancestor.length && ancestor.every((part, i) => part === path[i]);
}

// --- Python -------------------------------------------------------------------------------------

function pythonString(text) {
  const escape = (character) => {
    const code = character.codePointAt(0);
    if (code < 0x100) return `\\x${code.toString(16).padStart(2, "0")}`;
    if (code < 0x10000) return `\\u${code.toString(16).padStart(4, "0")}`;
    return `\\U${code.toString(16).padStart(8, "0")}`;
  };
  const safe = text
    .replace(/[\\"]/g, "\\$&")
    .replace(/\n/g, "\\n")
    .replace(/[^\x20-\x7e]/gu, escape);
  return `"${safe}"`;
}

function pythonLiteral(value) {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value === "string") return pythonString(value);
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(", ")}]`;
  const members = Object.keys(value).map((k) => `${pythonString(k)}: ${pythonLiteral(value[k])}`);
  return `{${members.join(", ")}}`;
}

function shellWord(text) {
  return /^[\w./:=@%+-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`;
}
