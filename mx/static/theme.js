// Keeps the visitor's choice of light or dark in a cookie, so that the server renders it at once.
(function () {
  'use strict';
  document.documentElement.classList.add('has-script');
  document.addEventListener('click', function (event) {
    if (!event.target.closest('[data-theme-switch]')) return;
    var root = document.documentElement;
    var isDark = root.dataset.theme === 'dark' ||
      (root.dataset.theme !== 'light' && window.matchMedia('(prefers-color-scheme: dark)').matches);
    root.dataset.theme = isDark ? 'light' : 'dark';
    document.cookie = 'theme=' + root.dataset.theme + '; path=/; max-age=31536000; samesite=lax';
  });
})();
