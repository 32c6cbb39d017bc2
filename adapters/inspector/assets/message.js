// The message as a person reads it. Only blocks that changed are made again, and of a long text
// only the end around the playhead is shown until the reader asks for all of it, so that a step
// costs the same however long the message is.

const TEXT_SHOWN = 12000;
const TEXT_STEP = 4000;
const BLOCKS_SHOWN = 40;
const LINES_SHOWN = 100;
const INPUT_SHOWN = 4000;

const TEXT_FIELDS = { text: "text", thinking: "thinking", compaction: "content" };

class MessageView {
  // `goTo(n)` moves the playhead; `showSource(n)` also shows the bytes of that event.
  constructor(stream, goTo, showSource) {
    this.stream = stream;
    this.goTo = goTo;
    this.showSource = showSource;
    this.blocks = element("div.parts");
    this.faults = element("div.faults-here");
    this.head = element("p.message-head");
    this.foot = element("div.message-foot");
    this.element = element("div.reading", this.head, this.blocks, this.faults, this.foot);
    this.shown = new Map();
    this.wholes = new Set();
    this.showsAll = false;
    this.element.addEventListener("click", (event) => this.#openSource(event));
  }

  show(n) {
    this.n = n;
    this.faults.replaceChildren(...this.stream.faultsAt(n).map(faultHere), ...whyNotApplied(this.stream, n));
    const { message, inputs } = this.stream.at(n);
    const changes = n > 0 ? this.stream.changesOf(n) : [];
    const isChanged = (field) => changes.some(({ path }) => path[1] === field);
    this.head.replaceChildren(...(message === null ? ["Nothing of the message yet."] : this.#head(message, isChanged)));
    this.#showBlocks(n, message?.content ?? [], inputs, changes);
    this.foot.replaceChildren(...(message === null ? [] : this.#foot(message, changes)));
  }

  #head(message, isChanged) {
    const part = (field) => element(isChanged(field) ? "mark" : "span", leadsTo(["message", field]), visible(String(message[field])));
    return [part("role"), " · ", part("model"), " · ", part("id")];
  }

  #foot(message, changes) {
    const stop = ["stop_reason", "stop_sequence", "stop_details", "container", "context_management"];
    const facts = stop
      .filter((field) => message[field] !== null && message[field] !== undefined)
      .map((field) => this.#fact(["message", field], field, message[field], changes));
    const rows = [];
    const add = (value, path) => {
      if (value === null || value === undefined) return;
      if (typeof value === "object") {
        for (const key of Object.keys(value)) add(value[key], [...path, Array.isArray(value) ? Number(key) : key]);
      } else {
        const isChanged = changes.some((change) => isWithin(path, change.path));
        rows.push(
          element(
            "tr",
            element("th", { scope: "row" }, visible(pathText(path.slice(2)))),
            element("td", value === 0 ? { class: "nought" } : {}, element(isChanged ? "mark" : "span", leadsTo(path), visible(typeof value === "number" ? number(value) : String(value)))),
          ),
        );
      }
    };
    add(message.usage, ["message", "usage"]);
    const usage = element("table.usage", element("caption", this.stream.hasApplied("message_delta", this.n) ? "Usage" : "Usage as of message_start"), element("tbody", rows.slice(0, 60)));
    return [facts.length ? element("dl.facts", facts) : null, rows.length ? usage : null].filter(Boolean);
  }

  #fact(path, name, value, changes) {
    const isChanged = changes.some((change) => isWithin(change.path, path));
    const shown = typeof value === "string" ? element("code", leadsTo(path), visible(value)) : jsonBlock(value, path, changes);
    return element("div", element("dt", name), element("dd", isChanged ? element("mark", shown) : shown));
  }

  // --- blocks -----------------------------------------------------------------------------------

  #showBlocks(n, content, inputs, changes) {
    const changed = new Set();
    for (const { path } of changes) {
      if (path[1] === "content") changed.add(path[2]);
      if (path[0] === "inputs") changed.add(Number(path[1]));
      if (path.length === 1) content.forEach((_, index) => changed.add(index));
    }
    const newest = changed.size ? Math.max(...changed) : content.length - 1;
    let from = 0;
    let to = content.length;
    if (!this.showsAll && content.length > BLOCKS_SHOWN) {
      to = Math.min(content.length, Math.max(BLOCKS_SHOWN, newest + 6));
      from = to - BLOCKS_SHOWN;
    }
    const wanted = [];
    if (from > 0) wanted.push(this.#more(from, "earlier"));
    for (let index = from; index < to; index++) {
      const state = this.#state(index, n, content[index]);
      const version = `${this.stream.blockSource(index, n)} ${state} ${changed.has(index)} ${this.wholes.has(index)}`;
      let shown = this.shown.get(index);
      if (shown?.version !== version) {
        const made = this.#block(index, content[index], inputs[index], changed.has(index) ? changes : [], state);
        shown = { version, made };
        this.shown.set(index, shown);
      }
      wanted.push(shown.made);
    }
    if (to < content.length) wanted.push(this.#more(content.length - to, "later"));
    for (const index of this.shown.keys()) if (index < from || index >= to) this.shown.delete(index);
    const isSame =
      wanted.length === this.blocks.childNodes.length &&
      wanted.every((node, i) => node === this.blocks.childNodes[i]);
    if (!isSame) this.blocks.replaceChildren(...wanted);
  }

  #more(count, where) {
    return element(
      "p.more",
      button(`Show ${plural(count, `${where} block`)}`, () => {
        this.showsAll = true;
        this.show(this.n);
      }),
    );
  }

  // What is missing of a block; empty, if it has stopped.
  #state(index, n, block) {
    if (!this.stream.isOpen(index, n)) return "";
    if (!this.stream.isAtEnd(n)) return "open: no content_block_stop yet";
    return String(block?.type).endsWith("tool_use") ? "unfinished: input incomplete" : "unfinished: no content_block_stop came";
  }

  #block(index, block, input, changes, state) {
    const type = String(block?.type ?? "block");
    const path = ["message", "content", index];
    const own = changes.filter(({ path: [root, key, at] }) =>
      root === "inputs" ? Number(key) === index : key === "content" && at === index,
    );
    const isNew = changes.some((change) => change.path.length <= 3 && change.path[0] === "message" && change.value !== null && (change.path.length === 1 || change.path[2] === index));
    const name = typeof block.name === "string" ? [" ", element("code", visible(block.name))] : [];
    const first = this.stream.about.blocks[index]?.start ?? 0;
    const start = first ? button(`event ${number(first)}`, () => this.goTo(first), { class: "link", title: "Go to the event that began this block" }) : null;
    const heading = element(
      "h4",
      element("span.index", `${index}`),
      element(isNew ? "mark" : "span", visible(type)),
      name,
      element("span.from", start),
    );
    const kind = blockKind(type);
    return element(`section.part.${kind}`, { "aria-label": `Block ${index}: ${type}` }, heading, this.#body(index, block, type, path, input, own, state));
  }

  #body(index, block, type, path, input, changes, state) {
    const field = TEXT_FIELDS[type];
    const parts = [];
    const done = new Set(["type", "name", "caller"]);
    if (field !== undefined && typeof block[field] === "string") {
      parts.push(this.#text(index, block[field], [...path, field], changes));
      done.add(field);
    }
    if (type.endsWith("tool_use")) {
      parts.push(jsonBlock(block.input, [...path, "input"], changes));
      if (input !== undefined) parts.push(this.#received(index, input, changes));
      done.add("input");
    }
    if (state) parts.push(element(`p.state.${state.split(":")[0]}`, state));
    if (Array.isArray(block.citations)) {
      parts.push(element("ol.citations", block.citations.map((citation, i) => {
        const isChanged = changes.some((change) => isWithin(change.path, [...path, "citations", i]) || isWithin([...path, "citations", i], change.path));
        return element("li", leadsTo([...path, "citations", i]), citationText(citation, isChanged));
      })));
      done.add("citations");
    }
    if (type === "web_search_tool_result" && Array.isArray(block.content)) {
      parts.push(element("ol.results", block.content.map((result) =>
        element("li", visible(String(result?.title ?? "")), " ", element("span.url", visible(String(result?.url ?? "")))))));
      done.add("content");
    }
    for (const [key, value] of Object.entries(block)) {
      if (done.has(key) || value === null || value === "") continue;
      const at = [...path, key];
      const isChanged = changes.some((change) => isWithin(change.path, at));
      const shown = typeof value === "object" ? jsonBlock(value, at, changes) : element("code", leadsTo(at), visible(beginningOf(value)));
      parts.push(element("div.field", element("span.field-name", visible(key)), " ", isChanged && typeof value !== "object" ? element("mark", shown) : shown));
    }
    return parts;
  }

  // The text of a tool's input: shown while it grows, where it is wrong, and when the reader opens it.
  #received(index, input, changes) {
    const isFaulty = this.stream.faultsAt(this.n).length > 0 && this.stream.block[this.n - 1] === index;
    const added = changes.find(({ path }) => path[0] === "inputs");
    const start = Math.max(0, input.length - INPUT_SHOWN);
    const cut = start > 0 ? element("span.more", "… ") : null;
    return element(
      "details",
      { open: added !== undefined || isFaulty },
      element("summary", `Input as received: ${plural(input.length, "character")}`),
      element("pre.raw", { "data-text": JSON.stringify(["inputs", String(index)]) }, cut, growing(input, start, added)),
    );
  }

  // A growing text: the end of it, if it is long, with the piece that was added last marked.
  #text(index, text, path, changes) {
    const key = JSON.stringify(path);
    const added = changes.find((change) => change.appends && JSON.stringify(change.path) === key);
    let start = 0;
    if (!this.wholes.has(index) && text.length > TEXT_SHOWN + TEXT_STEP) {
      start = Math.floor((text.length - TEXT_SHOWN) / TEXT_STEP) * TEXT_STEP;
      const line = text.indexOf("\n", start);
      if (line >= 0 && line < start + TEXT_STEP) start = line + 1;
    }
    const whole = element("div.prose", { dir: "auto", "data-text": key }, growing(text, start, added));
    if (start === 0) return whole;
    const show = button(`Show ${number(start)} earlier characters`, () => {
      this.wholes.add(index);
      this.show(this.n);
    });
    return [element("p.more", show), whole];
  }

  // A click on a character of a text, or on another value, leads to the event that brought it.
  #openSource(event) {
    if (String(getSelection()) !== "") return;
    const text = event.target.closest("[data-text]");
    if (text === null) {
      const part = event.target.closest("[data-path]");
      if (part !== null) this.showSource(this.stream.sourceOf(JSON.parse(part.dataset.path), this.n));
      return;
    }
    const place = document.caretPositionFromPoint?.(event.clientX, event.clientY);
    const range = place ? null : document.caretRangeFromPoint?.(event.clientX, event.clientY);
    const node = place?.offsetNode ?? range?.startContainer;
    const part = node?.parentElement?.closest("[data-offset]");
    if (!part || !text.contains(part)) return;
    let offset = Number(part.dataset.offset) + (place?.offset ?? range.startOffset);
    const walk = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
    while (walk.nextNode() && walk.currentNode !== node) {
      const isToken = walk.currentNode.parentElement.classList.contains("unseen");
      offset += isToken ? 1 : walk.currentNode.length;
    }
    this.showSource(this.stream.sourceOfCharacter(JSON.parse(text.dataset.text), offset, this.n));
  }

  // Everything, for paper.
  expand() {
    this.showsAll = true;
    this.stream.at(this.n).message?.content.forEach((_, index) => this.wholes.add(index));
    this.show(this.n);
  }
}

// A text from `start` on, in one part or two: the last was `added` by the event at the playhead.
function growing(text, start, added) {
  const border = Math.max(start, text.length - (added?.value.length ?? 0));
  const part = (name, from, to) => element(name, { "data-offset": String(from) }, visible(text.slice(from, to)));
  return [part("span", start, border), added ? part("mark", border) : null];
}

// The attributes of an element that shows the value at `path`: a click leads to its event.
function leadsTo(path) {
  return path[0] === "message" ? { "data-path": JSON.stringify(path) } : {};
}

// A scalar, of a long string its beginning: signatures and encrypted contents are not for readers.
function beginningOf(value) {
  if (typeof value !== "string" || value.length <= 80) return scalarText(value);
  return `${JSON.stringify(value.slice(0, 60))} … ${plural(value.length, "character")}`;
}

function tailOf(text, length) {
  return text.length > length ? `… ${text.slice(-length)}` : text;
}

function citationText(citation, isChanged) {
  const quote = String(citation?.cited_text ?? "");
  const source = citation?.title ?? citation?.document_title ?? citation?.url ?? citation?.source ?? "";
  return element(isChanged ? "mark" : "span", quote ? ["“", visible(tailOf(quote, 300)), "” "] : "", element("cite", visible(String(source))), citation?.url ? [" ", element("span.url", visible(String(citation.url)))] : "");
}

// JSON in lines, the changed ones marked; of many lines those around the last change.
function jsonBlock(value, path = [], changes = []) {
  const lines = jsonLines(value, path, { changes });
  const isChanged = (line) => line.kind !== "elided" && changes.some((change) => isWithin(line.path, change.path));
  let from = 0;
  let to = lines.length;
  if (lines.length > LINES_SHOWN) {
    const last = lines.findLastIndex(isChanged);
    to = Math.min(lines.length, Math.max(LINES_SHOWN, (last < 0 ? lines.length : last) + 50));
    from = to - LINES_SHOWN;
  }
  const more = (count, where) => (count ? element("span.line.elided", `… ${plural(count, "line")} ${where}\n`) : null);
  return element(
    "pre.json",
    more(from, "before"),
    lines.slice(from, to).map((line) => element(isChanged(line) ? "mark.line" : "span.line", leadsTo(line.path), lineNodes(line), "\n")),
    more(lines.length - to, "after"),
  );
}
