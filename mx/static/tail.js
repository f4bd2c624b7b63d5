// A log begins at its end, where the newest lines are. What comes is shown by live.js, which keeps to the end whoever is there.
(function () {
  'use strict';
  document.querySelectorAll('[data-tail]').forEach(function (node) { node.scrollTop = node.scrollHeight; });
})();
