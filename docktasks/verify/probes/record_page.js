// Runs before the scripts of a page, and reports what the browser tells nobody else: what a policy blocks, what the page
// asks a visitor for who has not touched it, long tasks, and the scripts of shared workers.
{
  // Libraries try whether they may make functions of text, and have another way: these are no violation.
  const PROBES = ['(function anonymous(\n) {\n\n})', '(function anonymous(\n) {\nreturn this\n})']
  document.addEventListener('securitypolicyviolation', (event) => {
    if (event.blockedURI === 'eval' && PROBES.includes(event.sample)) return
    const sample = event.sample ? `: ${event.sample.replace(/\s+/g, ' ')}` : ''
    const kind = event.disposition === 'enforce' ? 'policy' : 'reported'
    helloDockEvent(kind, `${event.effectiveDirective} blocks ${event.blockedURI}${sample}`)
  })

  globalThis.SharedWorker &&= new Proxy(SharedWorker, {
    construct(target, args) {
      helloDockEvent('shared', new URL(args[0], document.baseURI).href)
      return Reflect.construct(target, args)
    },
  })

  let isTouched = false
  for (const type of ['pointerdown', 'keydown']) addEventListener(type, (e) => { isTouched ||= e.isTrusted }, true)
  // A video may have no sound, and an AudioContext makes none before the visitor's first click.
  const isLoud = (media) => media instanceof HTMLAudioElement && !media.muted && media.volume > 0
  const copies = (_, command) => /^(copy|cut|paste)$/i.test(command)
  const ASKED = [
    ['Geolocation.prototype', 'getCurrentPosition watchPosition', "asks for the visitor's position"],
    ['Notification', 'requestPermission', 'asks for permission to notify'],
    ['PushManager.prototype', 'subscribe', 'asks for permission to notify'],
    ['MediaDevices.prototype', 'getUserMedia getDisplayMedia', 'asks for camera, microphone or screen'],
    ['Navigator.prototype', 'webkitGetUserMedia', 'asks for camera, microphone or screen'],
    ['Navigator.prototype', 'requestMIDIAccess share registerProtocolHandler', 'asks the visitor'],
    ['Bluetooth.prototype', 'requestDevice', 'asks for a device'],
    ['USB.prototype', 'requestDevice', 'asks for a device'],
    ['HID.prototype', 'requestDevice', 'asks for a device'],
    ['Serial.prototype', 'requestPort', 'asks for a device'],
    ['IdleDetector', 'requestPermission', 'asks whether the visitor is there'],
    ['PaymentRequest.prototype', 'show', 'asks for money'],
    ['Clipboard.prototype', 'read readText write writeText', 'uses the clipboard'],
    ['Document.prototype', 'execCommand', 'uses the clipboard', copies],
    ['Element.prototype', 'requestFullscreen webkitRequestFullscreen webkitRequestFullScreen requestPointerLock',
      'takes the whole screen or the pointer'],
    ['window', 'print showOpenFilePicker showSaveFilePicker showDirectoryPicker', 'opens a dialog of the browser'],
    ['window', 'queryLocalFonts', "asks for the machine's fonts"],
    ['HTMLMediaElement.prototype', 'play', 'plays sound', isLoud],
  ]
  const report = (name, what) => helloDockEvent('interruptions', `the page ${what} (${name}), and nobody has touched it`)
  const wrap = (owner, name, what, isOne = () => true) => {
    if (typeof owner?.[name] !== 'function') return
    owner[name] = new Proxy(owner[name], {
      apply(target, self, args) {
        if (!isTouched && isOne(self, ...args)) report(name, what)
        return Reflect.apply(target, self, args)
      },
    })
  }
  if (window === top) {
    for (const [path, names, what, isOne] of ASKED) {
      const owner = path.split('.').reduce((object, name) => object?.[name], window)
      for (const name of names.split(' ')) wrap(owner, name, what, isOne)
    }
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) if (duration > 1000) helloDockEvent('tasks', `${duration}`)
    }).observe({ type: 'longtask', buffered: true })
  }
}
