// The received bytes around an event: line by line, with chunk borders, each control character
// visible, and bytes that are not UTF-8 as their numbers. Frames of Amazon's event stream are shown
// in their parts: prelude, headers, payload, checksum.

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
    this.hex = element("input", { type: "checkbox", change: () => this.goTo(this.n) });
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
    if (n === stream.last) end = total; // what came after the last event
    const broken = n ? stream.brokenEnd(n) ?? start : start;
    const from = Math.max(0, start - BYTES_BEFORE, broken - BYTES_OF_EVENT);
    const to = Math.min(total, Math.max(start + Math.min(end - start, BYTES_OF_EVENT), start + 200, broken) + BYTES_BEFORE);
    const words = n ? `Bytes ${bytesOf(stream, n)} of ${number(total)}` : `${number(total)} bytes in all`;
    const decoded = stream.about.encoding ? ` (after decompressing ${stream.about.encoding})` : "";
    this.caption.textContent = words + decoded;
    let made;
    if (this.hex.checked) made = this.#hex(from, to);
    else made = stream.about.framed ? this.#frames(from, to) : this.#text(from, to);
    if (to === total) made.push(...this.#faultsOfRest("cut", "response"));
    if (from > 0) made.unshift(element("p.more", `… ${plural(from, "byte")} before`));
    if (to < total) made.push(element("p.more", `… ${plural(total - to, "byte")} after`));
    if (total === 0) made.push(element("p.more", "The body has no bytes."));
    this.lines.replaceChildren(...made);
  }

  // The elements to bring into view, from the first to the last, and whether the last one matters more.
  target() {
    const isBroken = this.n > 0 && this.stream.faultsAt(this.n).some(({ kind }) => kind !== "stall");
    const marks = this.lines.querySelectorAll("mark");
    const last = isBroken ? this.lines.querySelector(".ends-here, .fault-here") : null;
    return [marks[0] ?? last, last ?? marks[marks.length - 1], last !== null];
  }

  // The event that a byte belongs to, or stands before; behind the last one, the number after it.
  #eventAt(offset) {
    return countWhile(this.stream.last, (i) => this.stream.ends[i] <= offset) + 1;
  }

  #startOfEventAt(offset) {
    const event = this.#eventAt(offset);
    return this.stream.starts[event - 1] ?? this.stream.ends[event - 2] ?? 0;
  }

  // The faults of these kinds that are about the end of the body.
  #faultsOfRest(...kinds) {
    const { last, faults } = this.stream;
    return faults.filter((fault) => fault.event === last && kinds.includes(fault.kind)).map(faultHere);
  }

  // Whether the bytes of an event begin here that the decoder does not complete.
  #isPartialStart(offset) {
    return this.stream.about.partial === offset;
  }

  // A part that shows bytes of an event, to which a click leads.
  #bytesOf(event, nodes) {
    const part = element(event === this.n ? "mark" : "span", nodes);
    if (event <= this.stream.last) part.dataset.event = event;
    if (event > this.stream.count) part.className = "unfinished";
    return part;
  }

  #isBorder(offset) {
    return offset === 0 || this.stream.chunkEnds[this.#chunkAt(offset) - 1] === offset;
  }

  #chunkAt(offset) {
    return countWhile(this.stream.chunkEnds.length, (i) => this.stream.chunkEnds[i] <= offset);
  }

  // Pieces `[start, end]` that end at line ends, borders of chunks, and borders of events.
  #pieces(from, to) {
    const { bytes, chunkEnds, ends, last } = this.stream;
    const borders = new Set([to]);
    for (let i = this.#chunkAt(from); i < chunkEnds.length && chunkEnds[i] < to; i++) borders.add(chunkEnds[i]);
    for (let n = this.#eventAt(from); n <= last && ends[n - 1] < to; n++) borders.add(ends[n - 1]);
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

  // Where the data of the broken event ends, if it ends early.
  get #dataEnd() {
    return this.stream.faults.find(({ byte }) => byte !== null)?.byte;
  }

  #text(from, to) {
    const { bytes } = this.stream;
    const made = [];
    let line = null;
    for (const [start, end] of this.#pieces(from, to)) {
      if (this.#isPartialStart(start)) made.push(...this.#faultsOfRest("protocol"));
      if (this.#isBorder(start) && start < bytes.length) {
        made.push(this.#border(this.#chunkAt(start)));
        line = null;
      }
      if (line === null) {
        line = element("p.wire-line", element("span.offset", number(start)));
        made.push(line);
      }
      const broken = this.#dataEnd >= start && this.#dataEnd < end ? this.#dataEnd : start;
      const nodes = wireNodes(bytes.subarray(broken, end));
      if (broken > start) nodes.unshift(wireNodes(bytes.subarray(start, broken)), element("span.ends-here", "the data ends here"));
      line.append(this.#bytesOf(this.#eventAt(start), nodes));
      const last = bytes[end - 1];
      if (last === 10 || last === 13) line = null;
    }
    return made;
  }

  #frames(from, to) {
    const { bytes, count } = this.stream;
    const made = [];
    let frame = this.#startOfEventAt(from);
    while (frame < to) {
      const event = this.#eventAt(frame);
      const isWhole = event <= count;
      const end = isWhole ? this.stream.ends[event - 1] : endOfFrame(bytes, frame);
      if (this.#isPartialStart(frame)) made.push(...this.#faultsOfRest("protocol"));
      for (const part of frameParts(bytes, frame, end)) {
        for (const [start, stop] of this.#cuts(part, from, to)) {
          if (this.#isBorder(start)) made.push(this.#border(this.#chunkAt(start)));
          const isUncut = start === part.start && stop === part.end;
          const nodes = isUncut ? part.nodes : TEXT_PARTS.has(part.name) ? textNodes : hexNodes;
          made.push(this.#part(start, start === part.start ? part.name : "", nodes(bytes, start, stop), event));
        }
        if (part.name === "payload" && isWhole) {
          made.push(this.#part(null, "decoded", visible(headOf(this.stream.dataOf(event), PAYLOAD_SHOWN)), event));
        }
      }
      made.at(-1)?.classList.add("last-part");
      frame = end;
    }
    return made;
  }

  // A part in the pieces that the chunks brought, those outside of `from` and `to` left out.
  #cuts({ start, end }, from, to) {
    const { chunkEnds } = this.stream;
    const cuts = [];
    for (let i = this.#chunkAt(start); start < Math.min(end, to); i++) {
      const stop = Math.min(end, chunkEnds[i]);
      if (stop > from) cuts.push([start, stop]);
      start = stop;
    }
    return cuts;
  }

  #part(offset, name, nodes, event) {
    const place = element("span.offset", offset === null ? "" : number(offset));
    const row = element("p.wire-line", place, element("span.part-name", name), this.#bytesOf(event, nodes));
    if (name === "decoded") row.classList.add("decoded");
    return row;
  }

  #hex(from, to) {
    const { bytes, chunkEnds } = this.stream;
    const made = [];
    let start = from;
    while (start < to) {
      if (this.#isBorder(start) && start < bytes.length) made.push(this.#border(this.#chunkAt(start)));
      const chunkEnd = chunkEnds[this.#chunkAt(start)] ?? to;
      const end = Math.min(start + HEX_BYTES - (start % HEX_BYTES), to, chunkEnd);
      const row = element("p.wire-line.hex", element("span.offset", number(start)));
      const columns = element("span");
      for (let i = start; i < end; i++) {
        const cell = this.#bytesOf(this.#eventAt(i), hexByte(bytes[i]));
        if (i + 1 === this.#dataEnd) cell.classList.add("ends-here");
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

// The first and the last byte of event n.
function bytesOf(stream, n) {
  return `${number(stream.starts[n - 1])}–${number(stream.ends[n - 1] - 1)}`;
}

// --- frames of Amazon's event stream -------------------------------------------------------------

const PRELUDE_BYTES = 12;
const CHECKSUM_BYTES = 4;
const PAYLOAD_SHOWN = 2000;
const TEXT_PARTS = new Set(["payload", "bytes"]);
const HEADER_SIZES = { 0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16 }; // by type; 6 and 7 bring theirs

function uint(bytes, offset, size) {
  let value = 0;
  for (let i = offset; i < offset + size; i++) value = value * 256 + (bytes[i] ?? 0);
  return value;
}

// Where the frame at `start` ends, by its own length; the end of the body, if that cannot be right.
function endOfFrame(bytes, start) {
  const length = uint(bytes, start, 4);
  const isLength = length >= PRELUDE_BYTES + CHECKSUM_BYTES && start + length <= bytes.length;
  return isLength ? start + length : bytes.length;
}

// The parts of a frame: `{name, start, end, nodes(bytes, start, end)}`. Bytes without a readable prelude are one part.
function frameParts(bytes, start, end) {
  const parts = [];
  let at = start;
  const add = (name, size, nodes) => {
    parts.push({ name, start: at, end: at + size, nodes });
    at += size;
  };
  const checksum = (offset) => `0x${uint(bytes, offset, 4).toString(16).padStart(8, "0")}`;
  const [length, headers] = [uint(bytes, start, 4), uint(bytes, start + 4, 4)];
  const isWhole = end - start === length && PRELUDE_BYTES + headers + CHECKSUM_BYTES <= length;
  if (isWhole) {
    add("prelude", PRELUDE_BYTES, () => [`${plural(length, "byte")}, ${number(headers)} of headers, checksum ${checksum(start + 8)}`]);
    const headersEnd = at + headers;
    while (at < headersEnd) {
      const size = headerSize(bytes, at);
      const fits = size !== undefined && at + size <= headersEnd;
      add("header", fits ? size : headersEnd - at, fits ? headerNodes : hexNodes);
    }
    add("payload", end - CHECKSUM_BYTES - at, textNodes);
    add("checksum", CHECKSUM_BYTES, () => [checksum(end - CHECKSUM_BYTES)]);
  } else {
    add("bytes", end - at, textNodes);
  }
  return parts.filter((part) => part.end > part.start);
}

// A header has the length of its name, its name, its type, and its value.
function headerSize(bytes, start) {
  const value = start + 2 + bytes[start];
  const type = bytes[value - 1];
  if (type === 6 || type === 7) return value - start + 2 + uint(bytes, value, 2);
  return type in HEADER_SIZES ? value - start + HEADER_SIZES[type] : undefined;
}

function headerNodes(bytes, start, end) {
  const value = start + 2 + bytes[start];
  const isText = bytes[value - 1] === 7;
  const name = element("span.key", wireNodes(bytes.subarray(start + 1, value - 1)));
  return [name, " ", isText ? textNodes(bytes, value + 2, end) : hexNodes(bytes, value - 1, end)];
}

function textNodes(bytes, start, end) {
  const shown = Math.min(end, start + PAYLOAD_SHOWN);
  const rest = end > shown ? element("span.more", ` … ${plural(end - shown, "byte")}`) : [];
  return [wireNodes(bytes.subarray(start, shown)), rest];
}

function hexNodes(bytes, start, end) {
  return [Array.from(bytes.subarray(start, Math.min(end, start + PAYLOAD_SHOWN)), hexByte).join(" ")];
}

function headOf(text, length) {
  return text.length > length ? `${text.slice(0, length)} …` : text;
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
