// Plays what a stream gives now: samples of 16 bits, a little after they come.

const ahead = 0.25; // seconds that are held before they are heard

export class LivePlayer {
  constructor(sampleRate) {
    this.rate = sampleRate;
    this.context = new AudioContext();
    this.at = 0;
  }

  add(buffer) {
    const pcm = new Int16Array(buffer.slice(1));
    if (pcm.length === 0) return;
    const sound = this.context.createBuffer(1, pcm.length, this.rate);
    const samples = sound.getChannelData(0);
    for (let i = 0; i < pcm.length; i++) samples[i] = pcm[i] / 32768;
    const now = this.context.currentTime;
    if (this.at < now || this.at > now + 2) this.at = now + ahead; // it fell behind, or ran ahead
    const node = this.context.createBufferSource();
    node.buffer = sound;
    node.connect(this.context.destination);
    node.start(this.at);
    this.at += sound.duration;
  }

  close() {
    this.context.close();
  }
}
