// The chat with JavaScript: the same forms, sent without leaving the page. Whatever the browser lacks, the forms work by themselves.
(function () {
  'use strict';

  var page = document.documentElement;
  var talk = document.getElementById('talk');
  var form = document.getElementById('ask');
  var notice = document.getElementById('notice');
  var box = document.getElementById('text');

  function each(selector, what) {
    Array.prototype.forEach.call(document.querySelectorAll(selector), what);
  }

  // say tells the reader something beside the form; button, when there is one, does something about it.
  function say(words, isError, label, act) {
    notice.textContent = '';
    if (!words) {
      return;
    }
    var line = document.createElement('p');
    line.className = isError ? 'panel error' : 'panel';
    line.textContent = words;
    notice.appendChild(line);
    if (label) {
      var button = document.createElement('button');
      button.type = 'button';
      button.className = 'second';
      button.textContent = label;
      button.addEventListener('click', act);
      notice.appendChild(button);
    }
    if (notice.scrollIntoView) {
      notice.scrollIntoView({ block: 'nearest' });
    }
  }

  // ---- asking ----

  var FAILED = '刚才没有收到，请再发一次。';
  var WAIT_SAID = 400; // ms before a reader is told that it is being looked up
  var WAIT_LONG = 8000;
  var GIVE_UP = 40000; // the server answers, or fails, before that
  var AGAIN = 5000; // ms between tries without a connection

  var sending = null; // what is on its way, or waits for the connection

  function newOnce() {
    var bytes = new Uint8Array(16);
    window.crypto.getRandomValues(bytes);
    return Array.prototype.map.call(bytes, function (b) {
      return ('0' + b.toString(16)).slice(-2);
    }).join('');
  }

  // question is what a form would send.
  function question(from, button) {
    var q = new URLSearchParams(new FormData(from));
    if (button && button.name) {
      q.set(button.name, button.value);
    }
    return { body: q, from: from, timers: [], text: q.get('text') };
  }

  function send(q) {
    if (!q.body.get('text').trim()) {
      say('刚才没有看到要问的话。请写在框里，再按“问一问”。', true);
      box.focus();
      return;
    }
    sending = q;
    attempt(q);
  }

  function attempt(q) {
    stop(q);
    q.waiting = false;
    q.timers.push(setTimeout(function () { say('正在查找…'); }, WAIT_SAID));
    q.timers.push(setTimeout(function () { say('还在查，请再等一等。'); }, WAIT_LONG));
    var control = window.AbortController ? new AbortController() : null;
    if (control) {
      q.timers.push(setTimeout(function () { control.abort(); }, GIVE_UP));
    }
    fetch('/ask', {
      method: 'POST',
      body: q.body,
      headers: { 'X-Requested-With': 'fetch' },
      credentials: 'same-origin',
      signal: control ? control.signal : undefined
    }).then(function (r) {
      return r.text().then(function (words) { return received(q, r, words); });
    }).catch(function () {
      lost(q);
    });
  }

  function stop(q) {
    q.timers.forEach(clearTimeout);
    q.timers = [];
  }

  function received(q, r, words) {
    var part = r.headers.get('Qiuzhen-Part');
    var look = r.headers.get('Qiuzhen-Look');
    if (look) {
      page.className = look;
      lookButtons();
    }
    stop(q);
    sending = null;
    if (r.ok && part === 'turn') {
      say('');
      if (r.headers.get('Qiuzhen-Forgot')) {
        talk.textContent = '';
      }
      answered(q, show(words, q));
    } else if (r.status === 400 || r.status === 413 || r.status === 403 || part === 'line' && r.status === 429) {
      say(part === 'line' ? words : FAILED, true); // at once again would be the same; the words are in the box
    } else {
      say(part === 'line' ? words : FAILED, true, '再发一次', function () { send(q); });
    }
  }

  // lost is a connection that broke, or none: what was typed stays, and goes again by itself.
  function lost(q) {
    stop(q);
    if (sending !== q) {
      return;
    }
    say('现在连不上网。您写的话还在，网好了会自动再发。', true, '先不发了', function () {
      stop(q);
      sending = null;
      say('');
    });
    q.waiting = true;
    q.timers.push(setTimeout(function () { attempt(q); }, AGAIN));
  }

  function show(html, q) {
    var lastActive = document.activeElement;
    talk.insertAdjacentHTML('beforeend', html);
    var turn = talk.lastElementChild;
    // an answer that was there already is shown once
    each('#talk > .turn', function (other) {
      if (other !== turn && other.id === turn.id) {
        other.parentNode.removeChild(other);
      }
    });
    if (turn.querySelector('.choices')) {
      each('#talk .choices', function (old) {
        if (turn.contains(old)) {
          return;
        }
        if (old.classList.contains('offers')) { // these are words of the answer too
          Array.prototype.forEach.call(old.querySelectorAll('button'), function (b) { b.disabled = true; });
        } else {
          old.parentNode.removeChild(old);
        }
      });
    }
    tools();
    turn.scrollIntoView();
    if (lastActive && !document.contains(lastActive) || q.from !== form) {
      turn.focus({ preventScroll: true });
    }
    return turn;
  }

  // answered makes the page ready for the next question.
  function answered(q, turn) {
    if (q.from === form) {
      if (box.value.trim() === q.text.trim()) {
        box.value = '';
      }
      var about = form.querySelector('[name=about]');
      if (about) {
        about.parentNode.removeChild(about);
      }
    }
    each('form[action="/ask"] [name=once]', function (field) { field.value = newOnce(); });
    var shelves = document.getElementById('shelves');
    if (shelves) {
      shelves.parentNode.removeChild(shelves);
    }
    each('.intro', function (part) { part.parentNode.removeChild(part); });
    document.title = document.querySelector('h1').textContent = '您和求真的对话';
    form.querySelector('[name=back]').value = '/chat';
    form.querySelector('label').textContent = '还想问什么？';
    if (location.pathname !== '/chat') {
      history.replaceState(null, '', '/chat');
    }
  }

  function asks() {
    return talk && form && window.fetch && window.FormData && window.URLSearchParams && window.crypto && window.history.replaceState;
  }

  // ---- how the page looks ----

  function size() {
    return Number((/size-(\d)/.exec(page.className) || [0, 1])[1]);
  }

  function lookButtons() {
    var at = size();
    each('button[name=look]', function (b) {
      b.disabled = b.value === 'smaller' && at === 1 || b.value === 'larger' && at === 4;
      if (b.value === 'contrast') {
        b.setAttribute('aria-pressed', String(page.classList.contains('contrast')));
      }
    });
  }

  function changeLook(button) {
    var to = size() + (button.value === 'larger' ? 1 : button.value === 'smaller' ? -1 : 0);
    if (to < 1 || to > 4) {
      return;
    }
    var contrast = page.classList.contains('contrast') !== (button.value === 'contrast');
    page.className = 'size-' + to + (contrast ? ' contrast' : '');
    document.cookie = 'look=' + to + (contrast ? 'c' : '') + '; path=/; max-age=31536000; samesite=lax' +
      (location.protocol === 'https:' ? '; secure' : '');
    lookButtons();
  }

  // ---- reading aloud ----

  var UNREAD = '现在读不出来，请过一会儿再按一次。';
  var SLOWLY = 0.9; // of the usual speed

  var speech = window.speechSynthesis;
  var reading = null; // the button whose answer is being read
  var sound = null; // the server's recording of it

  function voice() {
    return speech.getVoices().filter(function (v) { return /^(zh|cmn)/i.test(v.lang); })[0];
  }

  function readsAloud() {
    return speech && window.SpeechSynthesisUtterance && voice();
  }

  function quiet() {
    if (reading) {
      reading.textContent = '读给我听';
      reading = null;
    }
    if (sound) {
      var old = sound;
      sound = null; // what it says from now on is of no interest
      old.pause();
      old.removeAttribute('src');
      old.load();
    }
    if (speech) {
      speech.cancel();
    }
  }

  function read(button) {
    var own = reading === button;
    quiet();
    each('[data-unread]', function (line) { line.parentNode.removeChild(line); });
    if (own) {
      return;
    }
    reading = button;
    if (readsAloud()) {
      readHere(button);
    } else {
      play(button);
    }
  }

  // readHere says an answer line by line: long utterances are cut off by some browsers.
  function readHere(button) {
    button.textContent = '别读了';
    var lines = button.closest('.turn').querySelectorAll('.answer p, .answer li, .answer .choice');
    Array.prototype.forEach.call(lines, function (line, i) {
      var u = new SpeechSynthesisUtterance(line.textContent);
      u.voice = voice();
      u.lang = 'zh-CN';
      u.rate = SLOWLY;
      if (i === lines.length - 1) {
        u.onend = function () { if (reading === button) { quiet(); } };
      }
      speech.speak(u);
    });
  }

  // play has the server read an answer. It is begun while the button is pressed: some browsers let no sound begin later.
  function play(button) {
    var own = sound = new Audio(button.getAttribute('data-read'));
    function unread() {
      if (sound !== own) {
        return;
      }
      quiet();
      button.parentNode.insertAdjacentHTML('afterend', '<p class="panel error screen" data-unread></p>');
      button.parentNode.nextElementSibling.textContent = UNREAD;
    }
    button.textContent = '正在准备…';
    own.defaultPlaybackRate = own.playbackRate = SLOWLY;
    own.onplaying = function () { if (sound === own) { button.textContent = '别读了'; } };
    own.onended = function () { if (sound === own) { quiet(); } };
    own.onerror = unread;
    var begun = own.play();
    if (begun && begun.catch) {
      begun.catch(unread);
    }
  }

  // tools shows the buttons that work here.
  function tools() {
    each('[data-read]', function (b) { b.hidden = !(readsAloud() || b.getAttribute('data-read') && window.Audio); });
    each('[data-print]', function (b) { b.hidden = !window.print; });
  }

  // ---- speaking ----

  var Recognition = window.SpeechRecognition || window.webkitSpeechRecognition;

  function listen(button) {
    var ear = new Recognition();
    ear.lang = 'zh-CN';
    ear.onresult = function (e) {
      box.value += e.results[0][0].transcript;
      say('听到了。看看对不对，再按“问一问”。');
    };
    ear.onerror = function (e) {
      if (e.error === 'no-speech' || e.error === 'aborted') {
        say('没有听到声音，请再按一次，对着手机说。');
        return;
      }
      button.hidden = true;
      say('这台手机上听不了，请打字。');
    };
    ear.onend = function () { button.disabled = false; };
    button.disabled = true;
    say('请说，我在听…');
    ear.start();
  }

  // ---- what happens ----

  var pressed = null; // browsers without event.submitter
  document.addEventListener('click', function (e) {
    var button = e.target.closest && e.target.closest('button');
    pressed = button;
    if (!button) {
      return;
    }
    if (button.hasAttribute('data-read')) {
      read(button);
    } else if (button.hasAttribute('data-print')) {
      window.print();
    } else if (button.hasAttribute('data-listen')) {
      listen(button);
    }
  });

  document.addEventListener('submit', function (e) {
    var button = e.submitter || pressed;
    if (button && button.name === 'look' && page.classList) {
      e.preventDefault();
      changeLook(button);
    } else if (e.target.getAttribute('action') === '/ask' && asks()) {
      e.preventDefault();
      if (!sending) {
        send(question(e.target, button));
      }
    }
  });

  window.addEventListener('online', function () {
    if (sending && sending.waiting) {
      attempt(sending);
    } else if (notice && !sending) {
      say('');
    }
  });
  window.addEventListener('offline', function () {
    if (notice && !sending) {
      say('现在没有网。您可以先写，网好了再发。', true);
    }
  });
  window.addEventListener('pagehide', quiet);

  if (speech && speech.addEventListener) {
    speech.addEventListener('voiceschanged', tools);
  }
  each('[data-listen]', function (b) { b.hidden = !(Recognition && window.isSecureContext); });
  tools();
})();
