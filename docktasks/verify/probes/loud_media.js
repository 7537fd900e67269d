// Audio and video elements that would begin with sound by themselves. A video without sound plays in silence.
() => [...document.querySelectorAll('audio[autoplay], video[autoplay]')]
  .filter((e) => !e.muted && e.volume > 0 && (e.currentSrc || e.src))
  .filter((e) => e.localName === 'audio' || e.webkitAudioDecodedByteCount)
  .map((e) => `the page plays sound (${e.localName} autoplay), and nobody has touched it`)
