// Follows what an attempt prints: asks for what is new while it runs, adds it at the end, and scrolls along while the reader is at the end.
// Once another attempt has begun, and nobody has chosen one, it goes over to that.
(function () {
  'use strict';
  var MOST = 2000000, EVERY_MS = 1000;
  var part = document.querySelector('[data-printed-part]');
  if (!part) return;
  var log = null, isRunning = false, isBusy = false, last = 0;

  function begin() {
    log = part.querySelector('[data-printed]');
    isRunning = Boolean(log) && log.dataset.running === '1';
    if (log) log.scrollTop = log.scrollHeight;
    tell();
  }

  function tell() {
    var said = part.querySelector('[data-printed-state]');
    if (said) said.textContent = isRunning ? '; running: new lines come by themselves' : '';
  }

  function add(text) {
    if (!text) return;
    var isAtEnd = log.scrollHeight - log.clientHeight - log.scrollTop < 8;
    log.appendChild(document.createTextNode(text));
    while (log.textContent.length > MOST && log.firstChild !== log.lastChild) log.removeChild(log.firstChild);
    if (isAtEnd) log.scrollTop = log.scrollHeight;
    var none = part.querySelector('[data-printed-none]');
    if (none) none.remove();
  }

  function look() {
    var url = log.dataset.printed + '?begin=' + log.dataset.end + '&fence=' + log.dataset.fence + '&uow=' + encodeURIComponent(log.dataset.uow);
    return fetch(url, { credentials: 'same-origin' }).then(function (answer) { return answer.ok ? answer.json() : null; }).then(function (found) {
      if (!found) return;
      add(found.text);
      log.dataset.end = found.end;
      isRunning = found.is_running;
      tell();
    });
  }

  function lookForAnother() {
    return fetch(part.dataset.printedPart, { credentials: 'same-origin' }).then(function (answer) {
      return answer.ok ? answer.text() : '';
    }).then(function (html) {
      if (!html) return;
      var made = new DOMParser().parseFromString(html, 'text/html'), found = made.querySelector('[data-printed]');
      if (!found || (log && found.dataset.uow === log.dataset.uow && found.dataset.fence === log.dataset.fence)) return;
      part.innerHTML = html;
      begin();
    });
  }

  function turn(work) {
    if (isBusy || document.hidden || Date.now() - last < EVERY_MS - 50) return;
    isBusy = true;
    last = Date.now();
    work().then(function () {}, function () {}).then(function () { isBusy = false; });
  }

  begin();
  window.setInterval(function () { if (isRunning) turn(look); }, EVERY_MS);
  document.addEventListener('part-replaced', function () {
    if (isRunning) turn(look);
    else if (!('chosen' in part.dataset)) turn(lookForAnother);
  });
})();
