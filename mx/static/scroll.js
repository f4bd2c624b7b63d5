// Lets whoever uses a keyboard scroll a table that is wider than its place: it can have the focus while there is something to scroll.
(function () {
  'use strict';
  function look() {
    document.querySelectorAll('.scroll, pre.log').forEach(function (box) {
      var isWide = box.scrollWidth > box.clientWidth + 1 || (box.matches('pre') && box.scrollHeight > box.clientHeight + 1);
      if (!isWide) { if (box.dataset.reach) { box.removeAttribute('tabindex'); delete box.dataset.reach; } return; }
      if (box.hasAttribute('tabindex')) return;
      box.tabIndex = 0;
      box.dataset.reach = '1';
      if (!box.hasAttribute('role')) {
        var title = box.closest('section, .card');
        title = title && title.querySelector('h1, h2, h3');
        box.setAttribute('role', 'group');
        box.setAttribute('aria-label', (title ? title.textContent.trim() + ', ' : '') + 'can be scrolled');
      }
    });
  }
  document.addEventListener('DOMContentLoaded', look);
  document.addEventListener('part-replaced', look);
  window.addEventListener('resize', look);
})();
