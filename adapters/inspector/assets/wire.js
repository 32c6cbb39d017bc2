// The received bytes around an event: line by line, with chunk borders, each control character
// visible, and bytes that are not UTF-8 as their numbers.

const BYTES_BEFORE = 400;
const BYTES_OF_EVENT = 4000;
const HEX_BYTES = 8;
const CONTROLS = (
  "NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM " +
  "SUB ESC FS GS RS US"
).split(" ");

class WireView {
  constructor(stream, goTo) {
    this.stream = stream;
    this.goTo = goTo;
    this.caption = element("p.caption");
    this.lines = element("div.wire");
    this.hex = element("input", { type: "checkbox", change: () => this.show(this.n) });
    this.element = element(
      "div",
      element("div.bar", this.caption, element("label.check", this.hex, " Hexadecimal")),
      this.lines,
    );
    this.lines.addEventListener("click", (event) => {
      const part = event.target.closest("[data-event]");
      if (part !== null && String(getSelection()) === "") this.goTo(Number(part.dataset.event));
    });
  }

  show(n) {
    this.n = n;
    const { stream } = this;
    const total = stream.bytes.length;
    const start = n ? stream.starts[n - 1] : 0;
    let end = n ? stream.ends[n - 1] : 0;
    if (n === stream.count) end = total; // what came after the last whole event
    const from = Math.max(0, start - BYTES_BEFORE);
    const to = Math.min(total, Math.max(start + Math.min(end - start, BYTES_OF_EVENT), start + 200) + BYTES_BEFORE);
    const words = n
      ? `Bytes ${number(start)} to ${number(stream.ends[n - 1])} of ${number(total)}`
      : `${number(total)} bytes in all`;
    const decoded = stream.about.encoding ? ` (after decompressing ${stream.about.encoding})` : "";
    this.caption.textContent = words + decoded;
    const made = this.hex.checked ? this.#hex(from, to) : this.#text(from, to);
    if (from > 0) made.unshift(element("p.more", `… ${plural(from, "byte")} before`));
    if (to < total) made.push(element("p.more", `… ${plural(total - to, "byte")} after`));
    if (total === 0) made.push(element("p.more", "The body has no bytes."));
    this.lines.replaceChildren(...made);
  }

  // The event that a byte belongs to; behind the last whole event, the one after it.
  #eventAt(offset) {
    return countWhile(this.stream.count, (i) => this.stream.ends[i] <= offset) + 1;
  }

  #chunkAt(offset) {
    return countWhile(this.stream.chunkEnds.length, (i) => this.stream.chunkEnds[i] <= offset);
  }

  // Pieces `[start, end]` that end at line ends, borders of chunks, and borders of events.
  #pieces(from, to) {
    const { bytes, chunkEnds, ends, count } = this.stream;
    const borders = new Set([to]);
    for (let i = this.#chunkAt(from); i < chunkEnds.length && chunkEnds[i] < to; i++) borders.add(chunkEnds[i]);
    for (let n = this.#eventAt(from); n <= count && ends[n - 1] < to; n++) borders.add(ends[n - 1]);
    for (let i = from; i < to; i++) {
      const isEnd = bytes[i] === 10 || (bytes[i] === 13 && bytes[i + 1] !== 10);
      if (isEnd && i + 1 < to) borders.add(i + 1);
    }
    let start = from;
    return [...borders].sort((a, b) => a - b).map((end) => {
      const piece = [start, end];
      start = end;
      return piece;
    });
  }

  #border(chunk) {
    const { about, chunkTimes } = this.stream;
    const size = plural(about.chunks.size[chunk], "byte");
    const at = about.duration > 0 ? ` · ${seconds(chunkTimes[chunk])}` : "";
    return element("p.border", `chunk ${number(chunk + 1)}${at} · ${size}`);
  }

  #text(from, to) {
    const { bytes, count } = this.stream;
    const starts = new Set([0, ...this.stream.chunkEnds]);
    const made = [];
    let line = null;
    for (const [start, end] of this.#pieces(from, to)) {
      if (starts.has(start) && start < bytes.length) {
        made.push(this.#border(this.#chunkAt(start)));
        line = null;
      }
      if (line === null) {
        line = element("p.wire-line", element("span.offset", number(start)));
        made.push(line);
      }
      const event = this.#eventAt(start);
      const part = element(event === this.n ? "mark" : "span", wireNodes(bytes.subarray(start, end)));
      if (event <= count) part.dataset.event = event;
      else part.className = "unfinished";
      line.append(part);
      const last = bytes[end - 1];
      if (last === 10 || last === 13) line = null;
    }
    return made;
  }

  #hex(from, to) {
    const { bytes, chunkEnds } = this.stream;
    const starts = new Set([0, ...chunkEnds]);
    const made = [];
    let start = from;
    while (start < to) {
      if (starts.has(start) && start < bytes.length) made.push(this.#border(this.#chunkAt(start)));
      const chunkEnd = chunkEnds[this.#chunkAt(start)] ?? to;
      const end = Math.min(start + HEX_BYTES - (start % HEX_BYTES), to, chunkEnd);
      const row = element("p.wire-line.hex", element("span.offset", number(start)));
      const columns = element("span");
      for (let i = start; i < end; i++) {
        const event = this.#eventAt(i);
        const cell = element(event === this.n ? "mark" : "span", hexByte(bytes[i]));
        if (event <= this.stream.count) cell.dataset.event = event;
        columns.append(cell, " ");
      }
      columns.append("   ".repeat(HEX_BYTES - (end - start)));
      const letters = [...bytes.subarray(start, end)].map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : "·"));
      row.append(columns, letters.join(""));
      made.push(row);
      start = end;
    }
    return made;
  }
}

function hexByte(byte) {
  return byte.toString(16).toUpperCase().padStart(2, "0");
}

// Bytes as nodes: UTF-8 as text, the rest as tokens.
function wireNodes(bytes) {
  const nodes = [];
  let text = "";
  const token = (name, kind) => {
    if (text) nodes.push(...visible(text));
    text = "";
    nodes.push(element(`span.${kind}`, name));
  };
  for (let i = 0; i < bytes.length; ) {
    const byte = bytes[i];
    if (byte < 0x20 || byte === 0x7f) {
      token(CONTROLS[byte] ?? "DEL", "control");
      i += 1;
    } else if (byte < 0x80) {
      text += String.fromCharCode(byte);
      i += 1;
    } else {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 1;
      try {
        text += STRICT.decode(bytes.subarray(i, i + length));
        i += length;
      } catch {
        token(hexByte(byte), "unseen");
        i += 1;
      }
    }
  }
  if (text) nodes.push(...visible(text));
  return nodes;
}

const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
