// Calls of the API. Errors are problem documents; what they say is shown to people.

const base = '/api/v1';

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export async function call(path, options = {}) {
  let response;
  try {
    response = await fetch(base + path, options);
  } catch {
    throw new ApiError(0, 'The station does not answer.');
  }
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    if (response.status === 401 && path !== '/login') dispatchEvent(new Event('login-needed'));
    throw new ApiError(response.status, problem.detail ?? problem.title ?? `error ${response.status}`);
  }
  return response.status === 204 ? null : response.json();
}

export const send = (method, path, body) => call(path, {
  method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
});

export function query(values) {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const v of Array.isArray(value) ? value : [value]) {
      if (v !== '' && v != null) params.append(name, v);
    }
  }
  return params.toString();
}

export const soundOf = (clip) => `${base}/clips/${encodeURIComponent(clip)}/sound`;

export const exportOf = (filters, format) => `${base}/events/export?${query({ ...filters, format })}`;

export function liveStream(name, { sound = false, spectrogram = false }) {
  const url = new URL(`${base}/live/stream?${query({ name, sound, spectrogram })}`, location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  return socket;
}

// Events as they come: the browser connects again by itself.
export function follow(heard, connected) {
  const source = new EventSource(`${base}/live`);
  for (const state of ['opened', 'closed']) source.addEventListener(state, (e) => heard(JSON.parse(e.data)));
  source.onopen = () => connected(true);
  source.onerror = () => connected(false);
  return () => source.close();
}
