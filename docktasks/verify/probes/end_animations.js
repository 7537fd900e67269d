// Waits for all animations, but not longer than a second.
() => Promise.race([Promise.all(document.getAnimations().map((animation) => animation.finished)),
  new Promise((resolve) => setTimeout(resolve, 1000))])
