// Sound that is heard while it is made: fetched beside Gradio, played through Web Audio.
// `intone.listen(root, id, fields)` is called in the press of a button; `intone.live` says how it goes.
(() => {
  const intone = (window.intone = window.intone ?? {});

  const RATE_HZ = 24000;
  const START_S = 0.06; // sound in hand before the first of it is played
  const MAX_START_S = 1.5; // after breaks in the sound, more is held in hand
  const AHEAD_S = 20; // more than this is not fetched yet

  const SILENCE = 0.003; // quieter samples are no sound yet

  let context = null;
  let current = null;

  // What is measured: milliseconds of performance.now().
  const live = (intone.live = {
    id: null,
    isSounding: false,
    marks: newMarks(null),
  });

  function awake() {
    if (!context) context = new AudioContext({ sampleRate: RATE_HZ, latencyHint: "interactive" });
    if (context.state !== "running") context.resume();
    return context;
  }

  class Listener {
    constructor(root, id) {
      this.url = `${root}/live/${id}`;
      this.fetching = new AbortController();
      this.sources = new Set();
      this.rest = new Uint8Array(0); // half a sample
      this.waiting = []; // samples that are not scheduled yet
      this.waitingSamples = 0;
      this.startS = START_S;
      this.endS = 0; // of what is scheduled, on the context's clock
      this.isComplete = false;
      this.isMuted = false;
    }

    async run(fields, marks) {
      this.marks = marks;
      const response = await fetch(this.url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(fields),
        signal: this.fetching.signal,
        priority: "high",
      });
      if (!response.ok) return;
      const reader = response.body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        this.take(value);
        await this.room();
      }
      this.isComplete = true;
      this.schedule();
      await this.over();
    }

    take(bytes) {
      if (!bytes.length) return;
      this.marks.firstByte ??= performance.now();
      if (this.isMuted) return; // made and kept all the same
      const joined = new Uint8Array(this.rest.length + bytes.length);
      joined.set(this.rest);
      joined.set(bytes, this.rest.length);
      const whole = joined.length - (joined.length % 2);
      this.rest = joined.slice(whole);
      const numbers = new Int16Array(joined.buffer, 0, whole / 2);
      const samples = Float32Array.from(numbers, (one) => one / 32767);
      this.waiting.push(samples);
      this.waitingSamples += samples.length;
      this.schedule();
    }

    // Plays what is in hand right behind what is scheduled. Where that has run out already, the
    // sound broke: it goes on when twice as much is in hand as before.
    schedule() {
      const now = context.currentTime;
      const isEmpty = this.endS <= now;
      if (isEmpty && this.endS > 0 && !this.isBroken && !this.isComplete) {
        this.isBroken = true;
        this.marks.underruns += 1;
        this.startS = Math.min(MAX_START_S, Math.max(0.25, this.startS * 2));
        tell();
      }
      const inHandS = this.waitingSamples / RATE_HZ;
      if (isEmpty && inHandS < this.startS && !this.isComplete && this.endS > 0) return;
      if (!this.waitingSamples) return;
      if (isEmpty) {
        this.endS = now + (this.endS > 0 ? 0.02 : START_S);
        this.isBroken = false;
      }
      this.play(this.taken());
    }

    taken() {
      const samples = new Float32Array(this.waitingSamples);
      let at = 0;
      for (const part of this.waiting) {
        samples.set(part, at);
        at += part.length;
      }
      this.waiting = [];
      this.waitingSamples = 0;
      return samples;
    }

    play(samples) {
      const buffer = context.createBuffer(1, samples.length, RATE_HZ);
      buffer.copyToChannel(samples, 0);
      const source = context.createBufferSource();
      source.buffer = buffer;
      source.connect(context.destination);
      source.onended = () => {
        this.sources.delete(source);
        this.schedule(); // notices a break when it begins
        tell();
      };
      source.start(this.endS);
      this.sources.add(source);
      this.mark(samples);
      this.endS += buffer.duration;
      this.marks.playedS += buffer.duration;
      tell();
    }

    mark(samples) {
      const startMs = performance.now() + (this.endS - context.currentTime) * 1000;
      this.marks.firstSample ??= startMs;
      if (this.marks.firstSound !== null) return;
      const first = samples.findIndex((one) => Math.abs(one) > SILENCE);
      if (first >= 0) this.marks.firstSound = startMs + (first / RATE_HZ) * 1000;
    }

    async room() {
      while (this.endS - context.currentTime > AHEAD_S && current === this) await pause(250);
    }

    async over() {
      while (this.sources.size && current === this) await pause(50);
    }

    mute() {
      this.isMuted = true;
      this.waiting = [];
      this.waitingSamples = 0;
      this.endS = 0;
      this.silence();
    }

    stop() {
      this.fetching.abort();
      this.silence();
    }

    silence() {
      for (const source of this.sources) {
        source.onended = null;
        source.stop();
      }
      this.sources.clear();
    }
  }

  const pause = (ms) => new Promise((done) => setTimeout(done, ms));

  // Plays a performance from its first sample on; an earlier one ends.
  intone.listen = async (root, id, fields) => {
    const marks = newMarks(performance.now());
    intone.hush();
    intone.stop?.();
    awake();
    const listener = (current = new Listener(root, id));
    Object.assign(live, { id, marks, isSounding: true });
    tell();
    try {
      await listener.run(fields, marks);
    } catch (error) {
      if (error.name !== "AbortError") console.warn("live sound:", error.message);
    } finally {
      if (current === listener) {
        current = null;
        live.isSounding = false;
        tell();
      }
    }
  };

  // Ends the sound at once, here and where it is made.
  intone.hush = () => {
    const listener = current;
    if (!listener) return;
    current = null;
    live.isSounding = false;
    listener.stop();
    tell();
    fetch(`${listener.url}/stop`, { method: "POST", keepalive: true }).catch(() => {});
  };

  // Something else is to be heard now; what is being spoken is finished unheard.
  const { play, queue } = intone;
  intone.play = (...sound) => {
    current?.mute();
    play(...sound);
  };
  intone.queue = (...sound) => {
    current?.mute();
    queue(...sound);
  };

  intone.newId = () => {
    const numbers = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(numbers, (one) => one.toString(16).padStart(2, "0")).join("");
  };

  function newMarks(click) {
    return { click, firstByte: null, firstSample: null, firstSound: null, playedS: 0, underruns: 0 };
  }

  function tell() {
    document.dispatchEvent(new CustomEvent("intone:live", { detail: live }));
  }
})();
