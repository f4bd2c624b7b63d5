// Arrow keys between tiles; the chosen ones are brought into view.
(function () {
  'use strict';
  function list(node, selector) { return Array.prototype.slice.call(node.querySelectorAll(selector)); }

  function show() {
    list(document, '.tiles').forEach(function (tiles) {
      var chosen = tiles.querySelector('.chosen');
      if (chosen) tiles.scrollTop = Math.max(0, chosen.offsetTop - tiles.clientHeight / 3);
    });
  }

  function go(node, key) {
    var level = node.closest('.level'), tiles = list(level, '.pick'), at = tiles.indexOf(node);
    if (key === 'ArrowDown') return tiles[at + 1];
    if (key === 'ArrowUp') return tiles[at - 1];
    var other = key === 'ArrowRight' ? level.nextElementSibling : level.previousElementSibling;
    return other && (other.querySelector('.chosen .pick') || other.querySelector('.pick'));
  }

  document.addEventListener('keydown', function (event) {
    var node = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || !node.classList || !node.classList.contains('pick')) return;
    if (!/^Arrow/.test(event.key)) return;
    var found = go(node, event.key);
    if (found) { event.preventDefault(); found.focus(); }
  });
  show();
})();
