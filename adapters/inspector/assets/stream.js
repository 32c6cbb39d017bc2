// A recording as Python stored it. Nothing here knows the protocol: Python folded, and left for each
// event the assignments that make the next state of the document `{message, inputs}` of the last.
//
// A `Stream` has one document, which `at(n)` moves to where n events have been received, forward by
// the stored changes and back by what they replaced. A step costs its changes, whatever the size of
// the message; 100,000 of them take some 20 ms, so there are no keyframes.

const ABSENT = Symbol("absent");
const PARTIAL = "partial event";
const REFUSED = "unreadable bytes";

// JSON.stringify writes integers beyond 2^53 as they are, where the browser can.
BigInt.prototype.toJSON = function () {
  return JSON.rawJSON ? JSON.rawJSON(this.toString()) : Number(this);
};

async function inflate(base64) {
  const text = atob(base64);
  const packed = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i);
  const plain = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(plain).arrayBuffer());
}

// Columns hold differences, which compress well.
function running(differences) {
  const sums = new Float64Array(differences.length);
  let sum = 0;
  for (let i = 0; i < sums.length; i++) sums[i] = sum += differences[i];
  return sums;
}

// The number of leading items of a sorted column for which `isBefore` holds.
function countWhile(length, isBefore) {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function assign(parent, key, value) {
  if (key === "__proto__") {
    const property = { value, writable: true, enumerable: true, configurable: true };
    Object.defineProperty(parent, key, property);
  } else {
    parent[key] = value;
  }
}

function valueAt(root, path) {
  let value = root;
  for (const key of path) {
    if (value === null || typeof value !== "object" || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

class Stream {
  static async read(base64) {
    const bytes = await inflate(base64);
    const length = new DataView(bytes.buffer).getUint32(0);
    const about = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
    return new Stream(about, bytes.subarray(4 + length));
  }

  constructor(about, bytes) {
    this.about = about;
    this.bytes = bytes;
    this.labels = about.labels;
    this.faults = about.faults;

    const { events, chunks, changes } = about;
    this.count = events.size.length;
    this.chunkEnds = running(chunks.size);
    this.chunkTimes = chunks.at;
    this.label = events.label;
    this.block = events.block;
    this.derived = events.derived;
    this.chunk = [...running(events.chunk)];
    this.starts = [];
    this.ends = [];
    let end = 0;
    for (let i = 0; i < this.count; i++) {
      this.starts.push((end += events.gap[i]));
      this.ends.push((end += events.size[i]));
    }
    this.last = this.count;
    if (about.partial !== null) this.#addPartial(about.partial);
    const stop = this.faults.find(({ kind }) => kind === "protocol" || kind === "error");
    this.read = stop ? stop.event : this.last; // a live stream reads no further

    this.paths = about.paths;
    this.changePath = changes.path;
    this.changeValue = changes.value;
    for (const [change, path, text] of changes.odd) {
      const value = /^-?\d+$/.test(text) ? BigInt(text) : Number(text);
      if (path.length === 0) this.changeValue[change] = value;
      else assign(valueAt(this.changeValue[change], path.slice(0, -1)), path.at(-1), value);
    }
    this.changeEvent = running(changes.event);
    this.firstChange = new Uint32Array(this.last + 1);
    for (let i = 0, at = 0; i <= this.last; i++) {
      while (at < this.changeEvent.length && this.changeEvent[at] < i) at++;
      this.firstChange[i] = at;
    }

    this.blockEvents = new Map();
    const blockOf = this.paths.map(([root, key, index]) =>
      root === "inputs" ? Number(key) : key === "content" ? index : undefined,
    );
    for (let i = 0; i < this.changePath.length; i++) {
      const index = blockOf[this.changePath[i] >> 1];
      if (index === undefined) continue;
      if (!this.blockEvents.has(index)) this.blockEvents.set(index, []);
      this.blockEvents.get(index).push(this.changeEvent[i] + 1);
    }

    this.document = { message: null, inputs: {} };
    this.position = 0;
    this.replaced = new Array(this.changePath.length); // by change: the value before it
  }

  // The bytes of an event that is not whole, or that no decoder reads, stand behind the others. They change nothing, and `count`
  // leaves them out.
  #addPartial(start) {
    this.last += 1;
    const isRefused = this.faultsAt(this.last).some(({ kind }) => kind === "protocol");
    this.labels = [...this.labels, isRefused ? REFUSED : PARTIAL];
    this.label.push(this.labels.length - 1);
    this.block.push(-1);
    this.derived.push(-1);
    const known = isRefused ? start : this.bytes.length - 1; // the byte from which on it is known
    this.chunk.push(countWhile(this.chunkEnds.length, (i) => this.chunkEnds[i] <= known));
    this.starts.push(start);
    this.ends.push(this.bytes.length);
  }

  nameOf(n) {
    return this.isPartial(n) ? `the ${this.labelOf(n)}` : `event ${number(n)}`;
  }

  isPartial(n) {
    return n > this.count;
  }

  // --- the fold -------------------------------------------------------------------------------

  // `n`, if there are so many events.
  checked(n, last = this.count) {
    if (Number.isInteger(n) && n >= 0 && n <= last) return n;
    throw new RangeError(`expected a whole number from 0 to ${last}, got ${n}`);
  }

  // The document after the first n events. It is the stream's own: read it, and do not keep it.
  at(n) {
    this.checked(n, this.last);
    let change = this.firstChange[this.position];
    const target = this.firstChange[n];
    while (change < target) change = this.#apply(change, target);
    while (change > target) change = this.#revert(change, target);
    this.position = n;
    return this.document;
  }

  #parentOf(path) {
    let parent = this.document;
    for (let i = 0; i < path.length - 1; i++) parent = parent[path[i]];
    return parent;
  }

  // Makes a change, or a run of additions to one text before `end`; returns the next change.
  #apply(change, end) {
    const path = this.paths[this.changePath[change] >> 1];
    const parent = this.#parentOf(path);
    const key = path[path.length - 1];
    const old = Object.hasOwn(parent, key) ? parent[key] : ABSENT;
    if (!this.appends(change)) {
      assign(parent, key, this.changeValue[change]);
      this.replaced[change] = old;
      return change + 1;
    }
    let next = change + 1;
    while (next < end && this.changePath[next] === this.changePath[change]) next++;
    const added = this.changeValue.slice(change, next).join("");
    assign(parent, key, old === ABSENT ? added : old + added);
    if (old === ABSENT) this.replaced[change] = ABSENT;
    return next;
  }

  // Takes back the change before `end`, or a run of additions down to `start`; returns where it is.
  #revert(end, start) {
    let change = end - 1;
    const path = this.paths[this.changePath[change] >> 1];
    const parent = this.#parentOf(path);
    const key = path[path.length - 1];
    if (this.appends(change)) {
      let length = this.changeValue[change].length;
      while (
        change > start &&
        this.replaced[change] !== ABSENT &&
        this.changePath[change - 1] === this.changePath[change]
      ) {
        change--;
        length += this.changeValue[change].length;
      }
      parent[key] = parent[key].slice(0, parent[key].length - length);
    }
    if (this.replaced[change] === ABSENT) {
      if (Array.isArray(parent)) parent.length = key;
      else delete parent[key];
    } else if (!this.appends(change)) {
      assign(parent, key, this.replaced[change]);
    }
    return change;
  }

  appends(change) {
    return (this.changePath[change] & 1) === 1;
  }

  messageAt(n) {
    return structuredClone(this.at(this.checked(n)).message);
  }

  // --- events, counted from 1, as n is ----------------------------------------------------------

  // What went wrong at event n.
  faultsAt(n) {
    return this.faults.filter((fault) => fault.event === n);
  }

  // What event n changed: `{path, value, appends}`.
  changesOf(n) {
    const changes = [];
    for (let i = this.firstChange[n - 1]; i < this.firstChange[n]; i++) {
      const path = this.paths[this.changePath[i] >> 1];
      changes.push({ path, value: this.changeValue[i], appends: this.appends(i) });
    }
    return changes;
  }

  labelOf(n) {
    return this.labels[this.label[n - 1]];
  }

  timeOf(n) {
    return n === 0 ? 0 : this.chunkTimes[this.chunk[n - 1]];
  }

  // Whether n events include one of this label that was applied.
  hasApplied(label, n) {
    const position = this.label.indexOf(this.labels.indexOf(label));
    return position >= 0 && position < n && this.changesOf(position + 1).length > 0;
  }

  // Whether block `index` has begun and not stopped after n events.
  isOpen(index, n) {
    const { stop = 0 } = this.about.blocks[index] ?? {};
    return stop === null || stop > n;
  }

  // Whether a live stream reads nothing more after n events.
  isAtEnd(n) {
    return n >= this.read || n >= this.count;
  }

  // Where the bytes of event n end too early; undefined, if they do not.
  brokenEnd(n) {
    const broken = this.faultsAt(n).find(({ kind, byte }) => byte !== null || (kind === "cut" && this.isPartial(n)));
    return broken && (broken.byte ?? this.bytes.length);
  }

  // The number of events that had arrived by then.
  countAt(seconds) {
    return countWhile(this.last, (i) => this.chunkTimes[this.chunk[i]] <= seconds);
  }

  // The data of event n: its JSON text, as it came. Of an event that is not whole, its bytes.
  dataOf(n) {
    if (this.isPartial(n)) return new TextDecoder().decode(this.bytes.subarray(this.starts[n - 1]));
    const { data, length, text } = this.about.events;
    if (data[n - 1] < 0) return text[n];
    const start = this.starts[n - 1] + data[n - 1];
    return new TextDecoder().decode(this.bytes.subarray(start, start + length[n - 1]));
  }

  jsonOf(n) {
    try {
      return exactJSON(this.dataOf(n));
    } catch {
      return undefined;
    }
  }

  // The derived events of event n, as plain JSON.
  derivedOf(n) {
    const kinds = this.about.derived[this.derived[n - 1]] ?? [];
    if (kinds.length === 0) return [];
    const raw = this.jsonOf(n);
    const document = this.at(n);
    return kinds.map(([type, own, state]) => {
      const event = own === null ? { type, ...raw } : { type };
      for (const [field, path] of own ?? []) event[field] = valueAt(raw, path);
      for (const [field, path] of state) event[field] = valueAt(document, path) ?? null;
      return event;
    });
  }

  // The last of the first n events that changed a block; 0 if the message began with it.
  blockSource(index, n) {
    const events = this.blockEvents.get(index) ?? [];
    return events[countWhile(events.length, (i) => events[i] <= n) - 1] ?? 0;
  }

  // The last of the first n events that changed the value at `path`, a part of it, or what it is a
  // part of; 0 if there is none.
  sourceOf(path, n) {
    const events = this.#changing(path);
    return events[countWhile(events.length, (i) => events[i] <= n) - 1] ?? 0;
  }

  #changing(path) {
    this.changing ??= new Map();
    const key = JSON.stringify(path);
    if (!this.changing.has(key)) {
      const ids = new Set();
      this.paths.forEach((other, id) => {
        if (other.every((part, i) => i >= path.length || part === path[i])) ids.add(id);
      });
      const events = [];
      for (let i = 0; i < this.changePath.length; i++) {
        if (ids.has(this.changePath[i] >> 1)) events.push(this.changeEvent[i] + 1);
      }
      this.changing.set(key, events);
    }
    return this.changing.get(key);
  }

  // The event that brought the character at `offset` of the text at `path`.
  sourceOfCharacter(path, offset, n) {
    const key = JSON.stringify(path);
    const id = this.paths.findIndex((other) => JSON.stringify(other) === key);
    let start = valueAt(this.at(n), path).length;
    for (let i = this.firstChange[n] - 1; i >= 0; i--) {
      if (this.changePath[i] >> 1 !== id) continue;
      start -= this.changeValue[i].length;
      if (start <= offset) return this.changeEvent[i] + 1;
    }
    return this.#changing(path)[0]; // the text began with it
  }
}

// JSON.parse, with integers beyond 2^53 as they are written, where the browser shows how.
function exactJSON(text) {
  return JSON.parse(text, (_, value, context) =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source)
      ? BigInt(context.source)
      : value,
  );
}
