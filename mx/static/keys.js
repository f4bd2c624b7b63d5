// Keys for whoever would rather not reach for the mouse: / searches, ? lists the keys, g and a digit goes to a page.
(function () {
  'use strict';
  var isGoing = false;
  function isTyping(node) { return /^(INPUT|SELECT|TEXTAREA)$/.test(node.tagName) || node.isContentEditable; }
  document.addEventListener('keydown', function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    var links = document.querySelectorAll('nav.tabs a');
    if (isGoing) {
      isGoing = false;
      var link = links[event.key === 'l' ? 10 : parseInt(event.key, 10)];
      if (link) { event.preventDefault(); link.click(); }
    } else if (event.key === 'g') {
      isGoing = true;
      window.setTimeout(function () { isGoing = false; }, 1500);
    } else if (event.key === '/') {
      event.preventDefault();
      document.getElementById('q').focus();
    } else if (event.key === '?') {
      document.getElementById('keys').showModal();
    }
  });
})();
