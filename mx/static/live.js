// Fetches the changing parts of a page again when the server says that something has changed, at most once a second.
// A part that somebody is typing into, or has marked text in, is left alone until they are done.
(function () {
  'use strict';
  var LEAST_MS = 1000;
  var regions = Array.prototype.slice.call(document.querySelectorAll('[data-live]')).map(function (node) {
    return { node: node, url: node.dataset.live || '', etag: '', isBusy: false, isStale: false, last: 0, timer: 0 };
  });
  if (!regions.length || !window.EventSource) return;

  function isInUse(node) {
    var active = document.activeElement;
    if (active && node.contains(active) && /^(INPUT|SELECT|TEXTAREA)$/.test(active.tagName)) return true;
    var isDirty = Array.prototype.some.call(node.querySelectorAll('input, textarea'), function (each) {
      return each.type === 'checkbox' || each.type === 'radio' ? each.checked !== each.defaultChecked : each.type !== 'hidden' && each.value !== each.defaultValue;
    });
    if (isDirty) return true;
    var marked = window.getSelection();
    return Boolean(marked && !marked.isCollapsed && marked.anchorNode && node.contains(marked.anchorNode));
  }

  function placeOf(node) { // how to find what has the focus, or is unfolded, after the part was replaced
    return node.id ? '#' + CSS.escape(node.id) : node.getAttribute && node.getAttribute('href')
      ? node.tagName + '[href="' + CSS.escape(node.getAttribute('href')) + '"]' : '';
  }

  function replace(region, html) {
    var node = region.node;
    var active = document.activeElement;
    var focus = active && node.contains(active) ? placeOf(active) : '';
    var open = Array.prototype.map.call(node.querySelectorAll('details[open][id]'), function (each) { return each.id; });
    var scrolled = Array.prototype.map.call(node.querySelectorAll('[data-scroll]'), function (each) {
      var atEnd = each.scrollHeight - each.clientHeight - each.scrollTop < 4;
      return { left: each.scrollLeft, top: each.scrollTop, atEnd: atEnd };
    });
    node.innerHTML = html;
    open.forEach(function (id) { var found = document.getElementById(id); if (found) found.open = true; });
    node.querySelectorAll('[data-scroll]').forEach(function (each, at) {
      if (!scrolled[at]) return;
      each.scrollLeft = scrolled[at].left;
      each.scrollTop = scrolled[at].atEnd ? each.scrollHeight : scrolled[at].top;
    });
    if (focus) { var again = node.querySelector(focus); if (again) again.focus({ preventScroll: true }); }
    node.dispatchEvent(new CustomEvent('part-replaced', { bubbles: true }));
  }

  function fetchPart(region) {
    if (region.isBusy) { region.isStale = true; return; }
    if (isInUse(region.node)) { later(region, LEAST_MS); return; }
    region.isBusy = true;
    region.isStale = false;
    region.last = Date.now();
    var headers = { 'X-Fragment': '1' };
    if (region.etag) headers['If-None-Match'] = region.etag;
    fetch(region.url || location.href, { headers: headers, credentials: 'same-origin', redirect: 'manual' }).then(function (answer) {
      if (answer.type === 'opaqueredirect' || answer.status === 401) { location.reload(); return null; }
      if (answer.status === 304) return null;
      if (answer.ok && region.node.hasAttribute('data-error')) { location.reload(); return null; } // what was wrong is over
      region.etag = answer.headers.get('ETag') || '';
      return answer.text().then(function (html) { if (!isInUse(region.node)) replace(region, html); else region.etag = ''; });
    }).then(function () { say('live'); }, function () { say('lost'); }).then(function () {
      region.isBusy = false;
      if (region.isStale) later(region, LEAST_MS);
    });
  }

  function later(region, ms) {
    if (region.timer) return;
    region.timer = window.setTimeout(function () { region.timer = 0; fetchPart(region); }, ms);
  }

  function changed() {
    if (document.hidden) { regions.forEach(function (region) { region.isStale = true; }); return; }
    regions.forEach(function (region) { later(region, Math.max(Math.random() * 150, LEAST_MS - (Date.now() - region.last))); });
  }

  function say(state) { document.documentElement.dataset.live = state; }

  var stream = null;
  function listen() {
    if (stream) return;
    stream = new EventSource('/live');
    stream.onmessage = changed;
    stream.onerror = function () { say('lost'); };
  }
  document.addEventListener('visibilitychange', function () {
    if (!document.hidden) changed();
  });
  window.addEventListener('pagehide', function () { if (stream) { stream.close(); stream = null; } });
  window.addEventListener('pageshow', listen);
  listen();
})();
