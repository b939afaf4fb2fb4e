// What is seen of a page, for its tests.
// every text that is seen, with its colour and the nearest colours behind it
window.seenTexts = () => {
  const seen = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement, box = element.getBoundingClientRect();
    if (!node.textContent.trim() || !box.width || !box.height) continue;
    if (!element.checkVisibility({ visibilityProperty: true }) || ['SCRIPT', 'STYLE', 'NOSCRIPT'].includes(element.tagName)) continue;
    const style = getComputedStyle(element), behind = [];
    for (let at = element; at && !behind.length; at = at.parentElement) {
      const own = getComputedStyle(at);
      const colours = own.backgroundImage.match(/rgba?\([^)]*\)/g) || [];
      if (own.backgroundColor !== 'rgba(0, 0, 0, 0)') colours.push(own.backgroundColor);
      behind.push(...colours);
    }
    seen.push({ text: node.textContent.trim().slice(0, 40), colour: element.namespaceURI.includes('svg') ? style.fill : style.color, behind,
      size: parseFloat(style.fontSize), bold: parseInt(style.fontWeight) >= 700 });
  }
  return seen;
};

// what sticks out of the sheet, and parts of the main state that are cut off
window.seenOutside = () => {
  const wide = document.documentElement.clientWidth, high = document.documentElement.clientHeight, out = [];
  const root = document.scrollingElement;
  if (root.scrollWidth > wide || root.scrollHeight > high) out.push(`scrolls: ${root.scrollWidth} x ${root.scrollHeight}`);
  for (const element of document.querySelectorAll('#volt, #card, #state, #next, #said:not([hidden]), #main, #rail, #rail button, .scan, .question, .answer, .guide-value, .guide-hint, .needle, .trip-code, .trip-words, .trip-do, .step-line, .bar')) {
    const box = element.getBoundingClientRect();
    if (!box.width) continue;
    if (box.left < -1 || box.top < -1 || box.right > wide + 1 || box.bottom > high + 1) out.push(`${element.id || element.className}: ${JSON.stringify(box)}`);
  }
  for (const element of document.querySelectorAll('#state, #next, .question, .guide-hint, .trip-do, .trip-words, #volt-text'))
    if (element.clientHeight && element.scrollHeight > element.clientHeight + parseFloat(getComputedStyle(element).fontSize) * 0.35)
      out.push(`cut off: ${element.id || element.className}: ${element.scrollHeight} in ${element.clientHeight}`);
  const side = document.getElementById('side').getBoundingClientRect();
  for (const row of document.querySelectorAll('#side h3, #side p, #side .step, #side .was, #side .order')) {
    const box = row.getBoundingClientRect();
    if (!box.height || !row.checkVisibility({ visibilityProperty: true })) continue;
    if (box.top < side.top - 1 || box.bottom > side.bottom + 1) out.push(`a row of the side is cut: ${row.textContent}`);
  }
  return out;
};
