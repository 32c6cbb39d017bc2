// The parts that the views are made of. Text becomes text nodes and nothing else: no markup is ever
// parsed, so that no recording can bring its own.

function element(selector, ...content) {
  const dot = selector.indexOf(".");
  const made = document.createElement(dot < 0 ? selector : selector.slice(0, dot));
  if (dot > 0) made.className = selector.slice(dot + 1).replaceAll(".", " ");
  fill(made, content);
  return made;
}

function fill(made, content) {
  for (const item of content) {
    if (item === null || item === undefined) continue;
    if (typeof item === "string" || item instanceof Node) made.append(item);
    else if (Array.isArray(item)) fill(made, item);
    else setAll(made, item);
  }
}

function setAll(made, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null) made.setAttribute(name, value);
  }
}

function drawing(tag, attributes = {}, ...content) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  setAll(made, attributes);
  made.append(...content);
  return made;
}

let ids = 0;
function newId() {
  ids += 1;
  return `id-${ids}`;
}

function button(label, onclick, attributes = {}) {
  return element("button", { type: "button", click: onclick, ...attributes }, label);
}

const ICONS = {
  first: "M3 2h2v12H3zM13 2v12L6 8z",
  back: "M12 2v12L4 8z",
  play: "M4 2l9 6-9 6z",
  pause: "M3 2h4v12H3zM9 2h4v12H9z",
  forward: "M4 2l8 6-8 6z",
  last: "M11 2h2v12h-2zM3 2l7 6-7 6z",
};

function icon(name) {
  const path = drawing("path", { d: ICONS[name] });
  return drawing("svg", { viewBox: "0 0 16 16", class: "icon", "aria-hidden": "true" }, path);
}

function iconButton(name, label, onclick) {
  return button(icon(name), onclick, { "aria-label": label, title: label, class: "icon-button" });
}

// Says something to a screen reader, once.
function announce(text) {
  document.getElementById("announcement").textContent = text;
}

// Tabs of which one is shown: `[[name, panel, whenShown]]`.
function tabs(label, entries) {
  const list = element("div.tabs", { role: "tablist", "aria-label": label });
  const buttons = entries.map(([name, panel], position) => {
    panel.id = newId();
    const choose = (event) => {
      show(position);
      if (event.pointerType === "mouse") tab.blur(); // so that the keys go on to move the playhead
    };
    const tab = button(name, choose, {
      role: "tab",
      id: newId(),
      "aria-controls": panel.id,
    });
    setAll(panel, { role: "tabpanel", "aria-labelledby": tab.id });
    list.append(tab);
    return tab;
  });
  const made = {
    list,
    current: 0,
    show,
  };
  function show(position) {
    made.current = position;
    entries.forEach(([, panel], i) => {
      const isCurrent = i === position;
      panel.hidden = !isCurrent;
      buttons[i].setAttribute("aria-selected", isCurrent);
      buttons[i].tabIndex = isCurrent ? 0 : -1;
    });
    entries[position][2]?.();
  }
  list.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const target = { Home: 0, End: entries.length - 1 }[event.key];
    if (step === undefined && target === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const position = target ?? (made.current + step + entries.length) % entries.length;
    show(position);
    buttons[position].focus();
  });
  return made;
}

// The part of a scrolling element that the window shows, or all of it where that is too little.
function frameOf(view) {
  const { top, bottom } = view.getBoundingClientRect();
  const seen = Math.min(bottom, innerHeight);
  return { top, bottom: top < 0 || seen - top < 80 ? bottom : seen };
}

// A list box that holds any number of rows of one height, and makes only those in view.
//
// `row(i)` gives the content of row i, `choose(i)` is called when the reader moves to it, `open(i)`
// when the reader presses Enter on it or clicks it.
class LongList {
  constructor(label, { row, choose, open }) {
    this.row = row;
    this.choose = choose;
    this.open = open;
    this.length = 0;
    this.active = -1;
    this.near = -1;
    this.rows = new Map();
    this.canvas = element("div.rows", { role: "presentation" });
    this.element = element(
      "div.long-list",
      { role: "listbox", tabindex: "0", "aria-label": label },
      this.canvas,
    );
    this.rowHeight = 26;
    this.id = newId();
    this.top = 0;
    this.height = 0;
    this.element.addEventListener(
      "scroll",
      () => {
        this.top = this.element.scrollTop;
        this.#fill();
      },
      { passive: true },
    );
    this.element.addEventListener("keydown", (event) => this.#key(event));
    this.canvas.addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      if (row === null || String(getSelection()) !== "") return;
      this.element.focus({ preventScroll: true });
      this.activate(Number(row.dataset.row));
      this.choose?.(this.active);
      this.open?.(this.active);
    });
    new ResizeObserver(([{ contentRect }]) => {
      this.height = contentRect.height;
      this.#fill();
      this.#reveal();
    }).observe(this.element);
  }

  // Shows `length` rows anew.
  reset(length) {
    this.length = length;
    this.active = Math.min(this.active, length - 1);
    this.canvas.style.height = `${length * this.rowHeight}px`;
    this.canvas.replaceChildren();
    this.rows.clear();
    this.#fill();
  }

  // Makes row `position` the active one, -1 for none, and brings it into view, or the row `near`.
  activate(position, near = position) {
    this.rows.get(this.active)?.setAttribute("aria-selected", "false");
    this.active = position;
    this.near = near;
    if (position < 0) {
      this.element.removeAttribute("aria-activedescendant");
    } else {
      this.#fill();
      this.rows.get(position).setAttribute("aria-selected", "true");
      this.element.setAttribute("aria-activedescendant", `${this.id}-${position}`);
    }
    this.revealing ??= requestAnimationFrame(() => {
      this.revealing = null;
      this.#reveal();
    });
  }

  // Scrolls to the active row. In its own frame, so that a step does not wait for the layout.
  #reveal() {
    if (this.near < 0 || this.height === 0) return;
    const { top, bottom } = frameOf(this.element);
    const height = bottom - top;
    const row = this.near * this.rowHeight;
    const lowest = row + 2 * this.rowHeight - height;
    if (row >= this.top && lowest <= this.top) return;
    const isNear = row > this.top - height && lowest < this.top + height / 2;
    const nearest = row < this.top ? row - this.rowHeight : lowest;
    this.element.scrollTop = isNear ? nearest : row - height / 3;
  }

  #fill() {
    const first = Math.max(0, Math.floor(this.top / this.rowHeight) - 8);
    const last = Math.min(
      this.length,
      Math.ceil((this.top + this.height) / this.rowHeight) + 8,
    );
    const wanted = new Set();
    for (let i = first; i < last; i++) wanted.add(i);
    if (this.active >= 0 && this.active < this.length) wanted.add(this.active);
    for (const [position, row] of this.rows) {
      if (!wanted.has(position)) {
        row.remove();
        this.rows.delete(position);
      }
    }
    const made = [];
    for (const position of wanted) {
      if (this.rows.has(position)) continue;
      const row = this.row(position);
      row.classList.add("row");
      row.id = `${this.id}-${position}`;
      row.dataset.row = position;
      row.style.top = `${position * this.rowHeight}px`;
      setAll(row, {
        role: "option",
        "aria-setsize": this.length,
        "aria-posinset": position + 1,
        "aria-selected": String(position === this.active),
      });
      this.rows.set(position, row);
      made.push(row);
    }
    this.canvas.append(...made);
  }

  #key(event) {
    const page = Math.max(1, Math.floor(this.height / this.rowHeight) - 1);
    const moves = {
      ArrowDown: this.active + 1,
      ArrowUp: this.active - 1,
      PageDown: this.active + page,
      PageUp: this.active - page,
      Home: 0,
      End: this.length - 1,
    };
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Enter") {
      if (this.active >= 0) this.open?.(this.active);
    } else if (event.key in moves && this.length > 0) {
      this.activate(Math.max(0, Math.min(this.length - 1, moves[event.key])));
      this.choose?.(this.active);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}

async function copy(text, label) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = element("textarea.unshown", { readonly: true });
    const focused = document.activeElement;
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    focused?.focus();
    if (!copied) {
      announce("The browser does not allow copying");
      return;
    }
  }
  announce(`Copied: ${label}`);
}
