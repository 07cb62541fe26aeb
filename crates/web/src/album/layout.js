// Justified rows. The breaks are chosen for all rows together (least squared deviation from the wanted height), so no row
// has to make up for what the rows before it took.

const LOWEST = 0.55; // of the wanted height: a row may not get lower than this unless it holds a single photo

/** The row heights' cost: a tall row is as bad as a low one of the inverse ratio. */
const deviation = (height, target) => Math.log(height / target) ** 2;

/** The indices at which rows end. Aspects are width / height. */
function breakRows(aspects, width, gap, target) {
  const count = aspects.length;
  const cost = new Float64Array(count + 1).fill(Infinity);
  const from = new Int32Array(count + 1);
  cost[0] = 0;
  for (let end = 1; end <= count; end++) {
    let sum = 0;
    for (let start = end - 1; start >= 0; start--) {
      sum += aspects[start];
      const height = (width - gap * (end - start - 1)) / sum;
      if (height < target * LOWEST && start < end - 1) break;
      // The last row may stay short of the edge.
      const own = end === count && height > target ? 0.02 : deviation(height, target);
      if (cost[start] + own < cost[end]) {
        cost[end] = cost[start] + own;
        from[end] = start;
      }
    }
  }
  const ends = [];
  for (let end = count; end > 0; end = from[end]) ends.push(end);
  return ends.reverse();
}

/**
 * Lays photos out in rows of `width` CSS pixels. Gives {boxes, rows, height}: `boxes` holds left, top, width and height of
 * each photo, one after another, in whole pixels; a row is {from, to, top, height}.
 */
function justify(aspects, width, gap, target) {
  const boxes = new Int32Array(aspects.length * 4);
  const rows = [];
  let top = 0, from = 0;
  for (const to of breakRows(aspects, width, gap, target)) {
    let sum = 0;
    for (let at = from; at < to; at++) sum += aspects[at];
    const room = width - gap * (to - from - 1);
    const isShort = to === aspects.length && room / sum > target * 1.15;
    const exact = isShort ? target : room / sum;
    const height = Math.max(1, Math.round(exact));
    let edge = 0;
    for (let at = from, before = 0; at < to; at++) {
      before += aspects[at];
      const isLast = at === to - 1 && !isShort;
      const right = isLast ? width : Math.round(before * exact + gap * (at - from));
      boxes.set([edge, top, right - edge, height], at * 4);
      edge = right + gap;
    }
    rows.push({ from, to, top, height });
    top += height + gap;
    from = to;
  }
  return { boxes, rows, height: Math.max(0, top - gap) };
}

/** Extreme shapes are cropped in the grid: a strip or a needle would make its whole row unreadable. */
const gridAspect = (photo) => Math.min(3, Math.max(0.5, photo.width / photo.height || 1));

/** The index of the last row that starts at or above `top`. */
function rowAt(rows, top) {
  let low = 0, high = rows.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (rows[middle].top <= top) low = middle;
    else high = middle - 1;
  }
  return low;
}
