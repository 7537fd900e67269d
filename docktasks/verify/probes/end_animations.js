// Waits until all animations have ended or were cancelled, but not longer than a second.
() => Promise.race([Promise.allSettled(document.getAnimations().map((animation) => animation.finished)),
  new Promise((resolve) => setTimeout(resolve, 1000))])
