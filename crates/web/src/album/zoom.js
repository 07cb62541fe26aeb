// Touch, mouse and wheel over the lightbox's stage: swipe, pinch, pan, double tap. `Gestures` knows pointers and numbers;
// what they mean for the gallery is in its callbacks.

const DOUBLE_TAP_MS = 300;
const MOST_ZOOM = 6;

class Gestures {
  /** `target`: {track, media() → the zoomed element, swipe(step), dismiss(), tap(), zoomed(scale)}. */
  constructor(stage, target) {
    Object.assign(this, { stage, target, pointers: new Map(), scale: 1, x: 0, y: 0, start: null, lastTap: null });
    stage.addEventListener("pointerdown", (event) => this.down(event));
    stage.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, (event) => this.up(event));
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  /** Forgets everything: another photo is shown. */
  reset() {
    Object.assign(this, { scale: 1, x: 0, y: 0, start: null });
    this.drag(0, 0);
    this.apply();
  }

  /** Zooms so that the point under (clientX, clientY) stays where it is. */
  zoomTo(scale, clientX, clientY) {
    const box = this.stage.getBoundingClientRect();
    const [px, py] = [clientX - box.left - box.width / 2, clientY - box.top - box.height / 2];
    const next = Math.min(MOST_ZOOM, Math.max(1, scale));
    const ratio = next / this.scale;
    this.x = px - (px - this.x) * ratio;
    this.y = py - (py - this.y) * ratio;
    this.scale = next;
    this.apply();
  }

  apply() {
    const media = this.target.media();
    if (!media) return;
    const most = (size, room) => Math.max(0, (size * this.scale - room) / 2);
    const [mx, my] = [most(media.offsetWidth, this.stage.clientWidth), most(media.offsetHeight, this.stage.clientHeight)];
    this.x = Math.min(mx, Math.max(-mx, this.x));
    this.y = Math.min(my, Math.max(-my, this.y));
    media.style.transform = this.scale === 1 ? "" : `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    this.stage.classList.toggle("zoomed", this.scale > 1);
    this.target.zoomed(this.scale);
  }

  drag(dx, dy) {
    this.target.track.style.transform = dx || dy ? `translate(${dx}px, ${dy}px)` : "";
  }

  middle() {
    const all = [...this.pointers.values()];
    const mean = (key) => all.reduce((sum, point) => sum + point[key], 0) / all.length;
    const spread = all.length > 1 ? Math.hypot(all[0].x - all[1].x, all[0].y - all[1].y) : 0;
    return { x: mean("x"), y: mean("y"), spread };
  }

  begin(event) {
    const { x, y, spread } = this.middle();
    this.start = { x, y, spread, scale: this.scale, panX: this.x, panY: this.y, time: event.timeStamp, axis: null };
  }

  down(event) {
    if (event.button !== 0) return;
    this.stage.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.pointers.size > 1) this.drag(0, 0);
    this.begin(event);
  }

  move(event) {
    if (!this.pointers.has(event.pointerId) || !this.start) return;
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const now = this.middle();
    const [dx, dy] = [now.x - this.start.x, now.y - this.start.y];
    if (this.pointers.size > 1) {
      this.zoomTo(this.start.scale * (now.spread / this.start.spread), now.x, now.y);
    } else if (this.scale > 1) {
      [this.x, this.y] = [this.start.panX + dx, this.start.panY + dy];
      this.apply();
    } else {
      this.start.axis ??= Math.hypot(dx, dy) < 8 ? null : Math.abs(dx) > Math.abs(dy) ? "x" : "y";
      if (this.start.axis === "x") this.drag(dx, 0);
      else if (this.start.axis === "y" && event.pointerType !== "mouse") this.drag(0, Math.max(0, dy));
    }
  }

  up(event) {
    if (!this.pointers.has(event.pointerId)) return;
    const start = this.start, pinched = this.pointers.size > 1;
    const [dx, dy] = start ? [event.clientX - start.x, event.clientY - start.y] : [0, 0];
    this.pointers.delete(event.pointerId);
    if (this.pointers.size) {
      this.begin(event);
      this.start.isRest = pinched; // the last finger of a pinch is no tap
      return;
    }
    if (!start || start.isRest || event.type === "pointercancel") return this.drag(0, 0);
    const seconds = (event.timeStamp - start.time) / 1000;
    if (Math.hypot(dx, dy) < 8) return this.tapped(event);
    if (this.scale > 1) return;
    const isFar = (distance, room) => distance > room * 0.25 || (distance > 30 && distance / seconds > 500);
    if (start.axis === "x" && isFar(Math.abs(dx), this.stage.clientWidth)) this.target.swipe(dx < 0 ? 1 : -1);
    else if (start.axis === "y" && event.pointerType !== "mouse" && isFar(dy, this.stage.clientHeight)) this.target.dismiss();
    else this.drag(0, 0);
  }

  tapped(event) {
    this.drag(0, 0);
    const last = this.lastTap;
    const isDouble = last && event.timeStamp - last.time < DOUBLE_TAP_MS && Math.hypot(event.clientX - last.x, event.clientY - last.y) < 40;
    this.lastTap = isDouble ? null : { time: event.timeStamp, x: event.clientX, y: event.clientY };
    if (isDouble) this.zoomTo(this.scale > 1 ? 1 : 2.5, event.clientX, event.clientY);
    else this.target.tap(event);
  }

  wheel(event) {
    event.preventDefault();
    this.zoomTo(this.scale * Math.exp(-event.deltaY / (event.ctrlKey ? 120 : 500)), event.clientX, event.clientY);
  }
}
