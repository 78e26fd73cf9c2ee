// What a listener would hear: every way to the loudspeaker passes an analyser. For tests.
// window.heard: {peak, loud_ms, first_ms}, the last two by performance.now().
(() => {
  const SILENCE = 0.002, POLL_MS = 10;
  const heard = (window.heard = { peak: 0, loud_ms: 0, first_ms: null, scheduled_ms: null });
  window.hearAnew = () =>
    Object.assign(heard, { peak: 0, loud_ms: 0, first_ms: null, scheduled_ms: null });
  const ears = new WeakMap();

  function listen(context) {
    if (ears.has(context)) return ears.get(context);
    const ear = context.createAnalyser();
    ear.fftSize = 2048;
    ears.set(context, ear);
    const samples = new Float32Array(ear.fftSize);
    setInterval(() => {
      ear.getFloatTimeDomainData(samples);
      const peak = samples.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
      heard.peak = Math.max(heard.peak, peak);
      if (peak < SILENCE) return;
      heard.loud_ms += POLL_MS;
      heard.first_ms ??= performance.now();
    }, POLL_MS);
    return ear;
  }

  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to instanceof AudioDestinationNode) connect.call(this, listen(this.context));
    return connect.call(this, to, ...rest);
  };

  // The moment at which the first sample that is no silence shall sound.
  const start = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (when = 0, ...rest) {
    const samples = this.buffer?.getChannelData(0) ?? [];
    const first = samples.findIndex((one) => Math.abs(one) >= SILENCE);
    if (first >= 0) {
      const ahead_s = Math.max(0, when - this.context.currentTime) + first / this.buffer.sampleRate;
      heard.scheduled_ms ??= performance.now() + 1000 * ahead_s;
    }
    return start.call(this, when, ...rest);
  };

  let context;
  const tapped = new WeakSet();
  function tap(element) {
    if (tapped.has(element)) return;
    tapped.add(element);
    context ??= new AudioContext();
    context.createMediaElementSource(element).connect(context.destination);
  }
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    tap(this);
    return play.call(this);
  };
  document.addEventListener("play", (event) => tap(event.target), true);
})();
