'use strict';
// The viewers of the report. Both videos are decoded by the browser; their frames are painted together.
const comparisons = JSON.parse(document.getElementById('data').textContent);
const viewers = [];
let active = null;

function element(parent, name, properties = {}) {
  const made = Object.assign(document.createElement(name), properties);
  parent.append(made);
  return made;
}

const once = (target, event) => new Promise((resolve) => {
  target.addEventListener(event, resolve, { once: true });
  target.addEventListener('error', resolve, { once: true });
});

class Viewer {
  constructor(root, data) {
    Object.assign(this, { root, data, time: 0, view: 'slider', amount: 50, isPlaying: false, target: null });
    this.frame = 1 / data.fps;
    this.length = Math.max(data.lengths[0], data.lengths[1]);
    this.videos = [0, 1].map((side) => this.video(side));
    // The longer one keeps the time.
    this.lead = data.lengths[0] >= data.lengths[1] ? 0 : 1;
    const first = data.ranges[0] || data.sound[0];
    const box = data.ranges[0]?.boxes[0];
    // The slider begins at the change.
    if (box) this.amount = Math.min(Math.max((box[0] + box[2] / 2) / data.width * 100, 5), 95);
    this.build();
    this.seek(first ? first.peak ?? first.start : 0);
  }

  video(side) {
    const video = element(this.root, 'video', { className: 'source', muted: true, playsInline: true, preload: 'auto' });
    video.setAttribute('aria-hidden', 'true');
    video.tabIndex = -1;
    video.src = this.data.sources[side];
    return video;
  }

  build() {
    const { root, data } = this;
    const views = element(root, 'fieldset', { className: 'views' });
    element(views, 'legend', { textContent: 'View' });
    const names = { slider: 'Slider', side: 'Side by side', onion: 'Onion skin', difference: 'Difference' };
    this.radios = {};
    for (const [view, name] of Object.entries(names)) {
      const label = element(views, 'label');
      const radio = element(label, 'input', { type: 'radio', name: `view-${data.index}`, value: view });
      label.append(name);
      radio.checked = view === this.view;
      radio.addEventListener('change', () => this.show(view));
      this.radios[view] = radio;
    }
    const labels = element(root, 'div', { className: 'labels' });
    element(labels, 'span', { textContent: 'Base' });
    element(labels, 'span', { textContent: 'Head' });
    this.stage = element(root, 'div', { className: 'stage' });
    this.canvases = ['base', 'head', 'marks'].map((name) =>
      element(this.stage, 'canvas', { className: name, width: data.width, height: data.height }));
    this.canvases.forEach((canvas) => canvas.setAttribute('aria-hidden', 'true'));
    this.divider = element(this.stage, 'div', { className: 'divider' });
    this.mix = element(root, 'input', { type: 'range', min: 0, max: 100, value: this.amount });
    this.mix.setAttribute('aria-label', 'Share of the base');
    this.mix.addEventListener('input', () => { this.amount = Number(this.mix.value); this.layout(); });
    this.stage.addEventListener('pointermove', (event) => this.drag(event));
    this.stage.addEventListener('pointerdown', (event) => this.drag(event, true));
    this.strip = element(root, 'canvas', { className: 'strip', width: 1000, height: 74 });
    this.strip.setAttribute('aria-hidden', 'true');
    this.strip.addEventListener('pointerdown', (event) => {
      const box = this.strip.getBoundingClientRect();
      this.seek((event.clientX - box.left) / box.width * this.length);
    });
    if (data.levels) this.wave();
    this.bar = element(root, 'input', { type: 'range', min: 0, max: Math.max(this.length - this.frame, 0), step: 'any', value: 0 });
    this.bar.setAttribute('aria-label', 'Time');
    this.bar.addEventListener('input', () => this.seek(Number(this.bar.value)));
    this.bar.addEventListener('keydown', (event) => {
      const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };
      if (steps[event.key]) { event.preventDefault(); event.stopPropagation(); this.step(steps[event.key]); }
    });
    const controls = element(root, 'div', { className: 'controls' });
    const button = (name, action) => {
      const made = element(controls, 'button', { type: 'button', textContent: name });
      made.addEventListener('click', action);
      return made;
    };
    if (data.ranges.length) button('Previous change', () => this.change(-1));
    button('−1 frame', () => this.step(-1));
    this.playButton = button('Play', () => this.toggle());
    button('+1 frame', () => this.step(1));
    if (data.ranges.length) button('Next change', () => this.change(1));
    if (data.hasSound[0] || data.hasSound[1]) this.soundChoice(controls);
    this.output = element(controls, 'output');
    root.addEventListener('focusin', () => { active = this; });
    root.addEventListener('pointerdown', () => { active = this; });
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', () => { this.drawStrip(); if (data.levels) this.drawWave(); });
    this.layout();
  }

  soundChoice(controls) {
    const label = element(controls, 'label', { textContent: 'Sound ' });
    const select = element(label, 'select');
    for (const [index, name] of ['off', 'base', 'head'].entries()) {
      if (index === 0 || this.data.hasSound[index - 1]) element(select, 'option', { value: index - 1, textContent: name });
    }
    select.addEventListener('change', () => this.videos.forEach((video, side) => {
      video.muted = side !== Number(select.value);
    }));
  }

  show(view) {
    this.view = view;
    this.radios[view].checked = true;
    this.layout();
  }

  layout() {
    const { width, height } = this.data;
    const [, head, marks] = this.canvases;
    this.stage.className = `stage ${this.view}${width >= height ? ' wide' : ''}`;
    const isWhole = this.view !== 'side';
    this.stage.style.aspectRatio = isWhole ? `${width} / ${height}` : 'auto';
    this.stage.style.maxWidth = isWhole ? `min(100%, ${width}px, calc(75vh * ${width / height}))` : 'none';
    marks.style.aspectRatio = `${width} / ${height}`;
    head.style.clipPath = this.view === 'slider' ? `inset(0 0 0 ${this.amount}%)` : 'none';
    head.style.opacity = this.view === 'onion' ? 1 - this.amount / 100 : 1;
    this.divider.hidden = this.view !== 'slider';
    this.divider.style.left = `${this.amount}%`;
    this.mix.value = this.amount;
    this.mix.disabled = this.view === 'side' || this.view === 'difference';
    this.paint();
  }

  drag(event, isStart = false) {
    if (this.view !== 'slider' || (!isStart && event.buttons !== 1)) return;
    const box = this.stage.getBoundingClientRect();
    this.amount = Math.min(Math.max((event.clientX - box.left) / box.width * 100, 0), 100);
    this.layout();
  }

  // Seeks both videos, and paints when both have the frame.
  async seek(time) {
    this.target = Math.min(Math.max(time, 0), Math.max(this.length - this.frame, 0));
    if (this.isSeeking) return;
    this.isSeeking = true;
    while (this.target !== null) {
      const at = this.target;
      this.target = null;
      await Promise.all(this.videos.map((video, side) => this.seekOne(video, side, at)));
      this.time = at;
      this.paint();
    }
    this.isSeeking = false;
  }

  async seekOne(video, side, time) {
    if (video.readyState < 1) await once(video, 'loadedmetadata');
    if (!(video.duration > 0)) return;
    // The middle of a frame: its times are rounded by the container.
    const wanted = Math.min(time + this.frame / 2, Math.max(this.data.lengths[side] - this.frame / 2, 0));
    if (Math.abs(video.currentTime - wanted) > 1e-4) {
      const seeked = once(video, 'seeked');
      video.currentTime = wanted;
      await seeked;
    }
    if (video.readyState < 2) await once(video, 'loadeddata');
  }

  step(frames) {
    this.pause();
    const now = this.target ?? this.time;
    this.seek((Math.round(now / this.frame) + frames) * this.frame);
  }

  change(direction) {
    this.pause();
    const starts = this.data.ranges.map((range) => range.start);
    const slack = this.frame / 2;
    const next = direction > 0
      ? starts.find((start) => start > this.time + slack) ?? starts[0]
      : starts.findLast((start) => start < this.time - slack) ?? starts[starts.length - 1];
    if (next !== undefined) this.seek(next);
  }

  toggle() {
    if (this.isPlaying) this.pause(); else this.play();
  }

  async play() {
    if (this.isPlaying) return;
    this.isPlaying = true;
    this.playButton.textContent = 'Pause';
    if (this.time + this.frame * 1.5 >= this.length) await this.seek(0);
    await Promise.all(this.videos.map((video, side) =>
      video.currentTime + this.frame < this.data.lengths[side] ? video.play().catch(() => {}) : null));
    requestAnimationFrame(() => this.tick());
  }

  pause() {
    if (!this.isPlaying) return;
    this.isPlaying = false;
    this.playButton.textContent = 'Play';
    this.videos.forEach((video) => { video.pause(); video.playbackRate = 1; });
    this.seek(Math.floor(this.videos[this.lead].currentTime / this.frame) * this.frame);
  }

  // Keeps the other video at the time of the one that leads.
  tick() {
    if (!this.isPlaying) return;
    const lead = this.videos[this.lead];
    const other = this.videos[1 - this.lead];
    if (lead.ended) { this.pause(); return; }
    if (!other.ended && !other.paused) {
      const drift = other.currentTime - lead.currentTime;
      if (Math.abs(drift) > 0.25) other.currentTime = lead.currentTime;
      else other.playbackRate = Math.abs(drift) > this.frame / 4 ? Math.min(Math.max(1 - drift * 2, 0.8), 1.2) : 1;
    }
    this.time = lead.currentTime;
    this.paint();
    requestAnimationFrame(() => this.tick());
  }

  paint() {
    const { width, height } = this.data;
    this.videos.forEach((video, side) => {
      const context = this.canvases[side].getContext('2d');
      context.clearRect(0, 0, width, height);
      const isOver = this.time > this.data.lengths[side];
      if (video.readyState >= 2 && !isOver) context.drawImage(video, 0, 0, width, height);
    });
    this.mark();
    this.drawStrip();
    this.bar.value = this.time;
    const range = this.data.ranges.find((range) => this.time >= range.start - 1e-4 && this.time < range.end);
    const state = this.time >= Math.min(...this.data.lengths) ? 'only in one' : range ? range.kind : 'unchanged';
    const frame = Math.round(this.time / this.frame);
    this.output.textContent = `${this.time.toFixed(2)} s, frame ${frame}, ${state}`;
    this.bar.setAttribute('aria-valuetext', `${this.time.toFixed(2)} seconds, ${state}`);
  }

  mark() {
    const { width, height, ranges, ignored } = this.data;
    const context = this.canvases[2].getContext('2d');
    context.clearRect(0, 0, width, height);
    context.lineWidth = Math.max(2, width / 400);
    context.strokeStyle = '#ff00c8';
    for (const range of ranges) {
      if (this.time < range.start - 1e-4 || this.time >= range.end) continue;
      for (const [x, y, across, down] of range.boxes) context.strokeRect(x - 2, y - 2, across + 4, down + 4);
    }
    for (const region of ignored) {
      if (this.time < region.from || this.time >= (region.to ?? Infinity)) continue;
      const [left, top, right, bottom] = region.rectangle;
      context.save();
      context.beginPath();
      context.rect(left, top, right - left, bottom - top);
      context.clip();
      context.strokeStyle = '#999c';
      for (let x = left - height; x < right; x += 16) {
        context.beginPath();
        context.moveTo(x, top);
        context.lineTo(x + height, top + height);
        context.stroke();
      }
      context.restore();
    }
  }

  color(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);
  }

  drawStrip() {
    const { data, length } = this;
    const context = this.strip.getContext('2d');
    const x = (time) => time / length * 1000;
    const common = Math.min(...data.lengths);
    context.clearRect(0, 0, 1000, 74);
    context.fillStyle = this.color('same');
    context.fillRect(0, 60, x(common), 5);
    context.fillStyle = this.color('other');
    context.fillRect(x(common), 60, 1000 - x(common), 5);
    for (const [column, times] of data.profile.entries()) {
      if (times < 1) continue;
      const at = (column + 0.5) / data.profile.length * common;
      const range = data.ranges.find((range) => at >= range.start - this.frame && at < range.end + this.frame);
      context.fillStyle = this.color(range?.kind === 'faint' ? 'faint' : 'changed');
      const high = Math.max(8, Math.min(1, Math.log2(1 + times) / 5) * 60);
      const width = x(common / data.profile.length);
      context.fillRect(x(at) - Math.max(6, width) / 2, 60 - high, Math.max(6, width), high + 5);
    }
    context.fillStyle = this.color('sound');
    for (const range of data.sound) context.fillRect(x(range.start), 67, Math.max(6, x(range.end - range.start)), 7);
    context.fillStyle = this.color('text');
    context.fillRect(x(this.time) - 1, 0, 2, 74);
  }

  wave() {
    this.waves = this.data.levels.map((_, side) => {
      const canvas = element(this.root, 'canvas', { className: 'wave', width: 1000, height: 60 });
      canvas.setAttribute('role', 'img');
      canvas.setAttribute('aria-label', `Sound levels of the ${side ? 'head' : 'base'}`);
      return canvas;
    });
    this.drawWave();
  }

  drawWave() {
    for (const [side, levels] of this.data.levels.entries()) {
      const context = this.waves[side].getContext('2d');
      context.clearRect(0, 0, 1000, 60);
      context.fillStyle = this.color('sound');
      const width = 1000 * this.data.lengths[side] / this.length;
      for (const [column, level] of levels.entries()) {
        const high = Math.max(0, (level + 60) / 60) * 56;
        context.fillRect(column / levels.length * width, 30 - high / 2, Math.max(1, width / levels.length), high + 1);
      }
    }
  }
}

for (const root of document.querySelectorAll('[data-viewer]')) {
  viewers.push(new Viewer(root, comparisons[Number(root.dataset.viewer)]));
}
for (const link of document.querySelectorAll('button[data-time]')) {
  link.addEventListener('click', () => {
    const viewer = viewers.find((viewer) => viewer.data.index === Number(link.dataset.of));
    viewer?.pause();
    viewer?.seek(Number(link.dataset.time));
    viewer?.root.scrollIntoView({ block: 'nearest' });
  });
}
document.addEventListener('keydown', (event) => {
  const viewer = active ?? viewers[0];
  if (!viewer || event.ctrlKey || event.metaKey || event.altKey) return;
  const isControl = event.target instanceof Element && event.target.closest('input, select, button');
  if (isControl && [' ', 'Enter', 'ArrowLeft', 'ArrowRight'].includes(event.key)) return;
  const actions = {
    ArrowLeft: () => viewer.step(-1), ArrowRight: () => viewer.step(1), ',': () => viewer.step(-1), '.': () => viewer.step(1),
    p: () => viewer.change(-1), n: () => viewer.change(1), ' ': () => viewer.toggle(),
    1: () => viewer.show('slider'), 2: () => viewer.show('side'), 3: () => viewer.show('onion'), 4: () => viewer.show('difference'),
  };
  const action = actions[event.key];
  if (action) { event.preventDefault(); action(); }
});
