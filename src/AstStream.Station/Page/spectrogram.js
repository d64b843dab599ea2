// Pictures of sound: of a stream as it comes, and of a clip.

const palette = (() => {
  // Black over violet and orange to pale yellow.
  const stops = [[0, 0, 4], [40, 11, 84], [101, 21, 110], [159, 42, 99], [212, 72, 66], [245, 125, 21], [250, 193, 39], [252, 255, 164]];
  const colours = new Uint8ClampedArray(256 * 4);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (stops.length - 1);
    const [a, b] = [stops[Math.floor(at)], stops[Math.min(stops.length - 1, Math.floor(at) + 1)]];
    for (let c = 0; c < 3; c++) colours[i * 4 + c] = a[c] + (b[c] - a[c]) * (at % 1);
    colours[i * 4 + 3] = 255;
  }
  return colours;
})();

function paint(image, x, column, bins) {
  for (let bin = 0; bin < bins; bin++) {
    const to = ((bins - 1 - bin) * image.width + x) * 4;
    image.data.set(palette.subarray(column[bin] * 4, column[bin] * 4 + 4), to);
  }
}

// Columns come from the right and move to the left.
export class LiveSpectrogram {
  constructor(canvas, columns = 250, bins = 128) {
    canvas.width = columns;
    canvas.height = bins;
    this.bins = bins;
    this.context = canvas.getContext('2d', { alpha: false, willReadFrequently: true });
  }

  add(bytes) {
    const { context, bins } = this;
    const { width, height } = context.canvas;
    const count = Math.min(width, Math.floor(bytes.length / bins));
    if (count === 0) return;
    context.drawImage(context.canvas, -count, 0);
    const image = context.createImageData(count, height);
    for (let i = 0; i < count; i++) paint(image, i, bytes.subarray(i * bins, (i + 1) * bins), bins);
    context.putImageData(image, width - count, 0);
  }
}

function fft(re, im) {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) [re[i], re[j], im[i], im[j]] = [re[j], re[i], im[j], im[i]];
  }
  for (let size = 2; size <= n; size <<= 1) {
    const [half, step] = [size >> 1, (-2 * Math.PI) / size];
    for (let k = 0; k < half; k++) {
      const [c, s] = [Math.cos(step * k), Math.sin(step * k)];
      for (let i = k; i < n; i += size) {
        const [r, m] = [re[i + half] * c - im[i + half] * s, re[i + half] * s + im[i + half] * c];
        re[i + half] = re[i] - r;
        im[i + half] = im[i] - m;
        re[i] += r;
        im[i] += m;
      }
    }
  }
}

// The picture of samples from one second to another: as many columns as the canvas is wide.
export function drawClip(canvas, samples, rate, from, to) {
  const [size, bins] = [1024, 256];
  const context = canvas.getContext('2d', { alpha: false });
  const width = Math.max(200, Math.round(canvas.clientWidth || 600));
  canvas.width = width;
  canvas.height = bins;
  const image = context.createImageData(width, bins);
  const window = Float32Array.from({ length: size }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size));
  const column = new Uint8Array(bins);
  const top = Math.min(rate / 2, 12000); // Hz
  for (let x = 0; x < width; x++) {
    const centre = Math.round((from + ((to - from) * (x + 0.5)) / width) * rate);
    const [re, im] = [new Float32Array(size), new Float32Array(size)];
    for (let i = 0; i < size; i++) re[i] = (samples[centre - size / 2 + i] ?? 0) * window[i];
    fft(re, im);
    for (let b = 0; b < bins; b++) {
      const bin = Math.min(size / 2 - 1, Math.round(((b + 0.5) / bins) * (top / (rate / 2)) * (size / 2)));
      const decibels = 10 * Math.log10(re[bin] * re[bin] + im[bin] * im[bin] + 1e-9);
      column[b] = Math.max(0, Math.min(255, ((decibels + 50) / 90) * 255));
    }
    paint(image, x, column, bins);
  }
  context.putImageData(image, 0, 0);
  return top;
}
