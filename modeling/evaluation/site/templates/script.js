"use strict";
(() => {
  const root = document.documentElement.dataset.root;
  const AT_ONCE = 48;
  const WIDTH_BESIDE_TITLE = 48;
  const WIDTH_OF_LETTER = 8;
  const MARKS = { right: "✓", wrong: "✗", disagreed: "≠", unknown: "?" };

  /* Tables: the page has each one whole; the library lets it be sorted and filtered. */
  const tables = [...document.querySelectorAll("table.sortable")];
  if (tables.length) {
    const library = document.createElement("script");
    library.src = `${root}library/tabulator-tables/tabulator.min.js`;
    library.addEventListener("load", () => tables.forEach(enhance));
    document.head.append(library);
  }

  function enhance(table) {
    const heads = [...table.tHead.rows[0].cells];
    const columns = heads.map((head, index) => {
      const isFigure = head.dataset.kind === "figure";
      return {
        title: head.textContent,
        field: `column${index}`,
        sorter: isFigure ? "number" : "string",
        sorterParams: { alignEmptyValues: "bottom" },
        headerSort: head.dataset.kind !== "picture",
        headerSortStartingDir: isFigure ? "desc" : "asc",
        headerFilter: head.dataset.kind === "words" ? "input" : false,
        headerFilterParams: { elementAttributes: { "aria-label": `filter ${head.textContent}` } },
        hozAlign: isFigure ? "right" : "left",
        headerHozAlign: isFigure ? "right" : "left",
        widthGrow: head.dataset.kind === "words" ? 3 : 1,
        minWidth: Number(head.dataset.width || WIDTH_BESIDE_TITLE + WIDTH_OF_LETTER * head.textContent.length),
        formatter: (cell) => cell.getData().nodes[index],
      };
    });
    const rows = [...table.tBodies[0].rows].map((row) => {
      const cells = [...row.cells];
      const data = Object.fromEntries(cells.map((cell, index) => [`column${index}`, value(cell, heads[index])]));
      return { ...data, nodes: cells.map(contents) };
    });
    const place = document.createElement("div");
    place.setAttribute("aria-label", table.getAttribute("aria-label"));
    table.replaceWith(place);
    const isLong = rows.length > 15;
    const grid = new Tabulator(place, {
      data: rows,
      columns,
      layout: "fitColumns",
      ...(isLong ? { height: "480px" } : {}),
    });
    /* A grid may hold groups of rows, and nothing else that takes the focus. */
    grid.on("tableBuilt", () => {
      place.querySelector(".tabulator-tableholder").setAttribute("role", "rowgroup");
      place.querySelector(".tabulator-table").setAttribute("role", "presentation");
    });
  }

  function contents(cell) {
    const span = document.createElement("span");
    span.append(...cell.childNodes);
    return span;
  }

  function value(cell, head) {
    const text = cell.dataset.value ?? cell.textContent.trim();
    if (head.dataset.kind !== "figure") return text;
    return text === "" || Number.isNaN(Number(text)) ? null : Number(text);
  }

  /* The gallery: the page draws its first cards, this draws what is asked for. */
  const list = document.getElementById("cards");
  if (!list) return;
  const { categories, items } = JSON.parse(document.getElementById("items").textContent);
  const search = document.getElementById("search");
  const more = document.getElementById("more");
  const shown = document.getElementById("shown");
  const indexed = items.map((item) => ({ item, verdict: verdictOf(item), words: wordsOf(item) }));
  let matches = indexed;
  let numDrawn = list.children.length;

  function verdictOf([, , predicted, , true_, other]) {
    if (true_ !== null) return true_ === predicted ? "right" : "wrong";
    return other !== null && other !== predicted ? "disagreed" : "unknown";
  }

  function wordsOf([id, title, predicted, , true_, other]) {
    const named = [predicted, true_, other].filter((place) => place !== null).map((place) => categories[place].join(" "));
    return [id, title, ...named].join("\n").toLowerCase();
  }

  function element(tag, className, ...children) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.append(...children);
    return made;
  }

  function categoryOf(place) {
    const [id, name] = categories[place];
    if (!name) return [element("bdi", "", id)];
    const words = element("bdi", "", name);
    words.lang = "zh-Hans";
    return [words, " ", element("bdi", "id", id)];
  }

  function sheetOf(strip) {
    if (!strip) return element("div", "sheet empty", element("span", "", "no frames"));
    const rows = ["frames, in order of time", ""].map((alt) => {
      const image = new Image(512, 64);
      image.loading = "lazy";
      image.alt = alt;
      image.src = root + strip;
      return image;
    });
    return element("div", "sheet", ...rows);
  }

  function cardOf({ item, verdict }) {
    const [id, title, predicted, probability, true_, other, strip, missing] = item;
    const bar = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    bar.setAttribute("class", "bar");
    bar.setAttribute("aria-hidden", "true");
    const filled = bar.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "rect"));
    filled.setAttribute("width", `${(100 * probability).toFixed(1)}%`);
    filled.setAttribute("height", "100%");
    const heading = element("p", title ? "title" : "title quiet", title ? element("bdi", "", title) : "no title");
    if (title) heading.lang = "zh-Hans";
    const mark = element("span", "mark", MARKS[verdict]);
    mark.setAttribute("aria-hidden", "true");
    const says = element(
      "div", "says", mark, element("span", "", ...categoryOf(predicted)),
      element("span", "", `${(100 * probability).toFixed(0)}%`),
    );
    const second = { wrong: ["true: ", true_], disagreed: ["challenger: ", other] }[verdict];
    if (second) {
      says.append(element("span"), element("span", "quiet", second[0], ...categoryOf(second[1])), element("span"));
    }
    const foot = element("p", "foot", element("bdi", "", id));
    missing.split(" ").filter(Boolean).forEach((view) => foot.append(element("span", "badge", `no ${view}`)));
    return element("li", `card is-${verdict}`, sheetOf(strip), bar, element("div", "told", heading, says, foot));
  }

  function draw() {
    const next = matches.slice(numDrawn, numDrawn + AT_ONCE);
    list.append(...next.map(cardOf));
    numDrawn += next.length;
    more.hidden = numDrawn >= matches.length;
    shown.textContent = `${numDrawn.toLocaleString("en")} of ${matches.length.toLocaleString("en")} are shown.`;
  }

  function choose() {
    const wanted = search.value.trim().toLowerCase();
    const verdict = document.querySelector("input[name=verdict]:checked").value;
    const cell = new URLSearchParams(location.hash.slice(1));
    const placeOf = (name) => categories.findIndex(([id]) => id === cell.get(name));
    const pair = cell.has("true") && cell.has("predicted") ? [placeOf("true"), placeOf("predicted")] : null;
    matches = indexed.filter((each) =>
      (!verdict || each.verdict === verdict)
      && (!wanted || each.words.includes(wanted))
      && (!pair || (each.item[4] === pair[0] && each.item[2] === pair[1])));
    list.replaceChildren();
    numDrawn = 0;
    draw();
  }

  function openCell() {
    if (!location.hash.startsWith("#true=")) return;
    search.value = "";
    document.querySelector("input[name=verdict][value='']").checked = true;
    choose();
    document.getElementById("gallery").scrollIntoView();
  }

  function leaveCell() {
    if (location.hash.startsWith("#true=")) history.replaceState(null, "", "#gallery");
    choose();
  }

  document.querySelector(".choices").hidden = false;
  more.hidden = numDrawn >= matches.length;
  more.addEventListener("click", draw);
  search.addEventListener("input", leaveCell);
  document.querySelectorAll("input[name=verdict]").forEach((choice) => choice.addEventListener("change", leaveCell));
  window.addEventListener("hashchange", openCell);
  openCell();
})();
