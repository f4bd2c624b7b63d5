// Shows the OpenAPI document by Swagger UI in place of the table. Requests that are tried carry the page's token against forged ones.
(function () {
  'use strict';
  var root = document.documentElement;
  var dark = window.matchMedia('(prefers-color-scheme: dark)');
  function colour() {
    root.classList.toggle('dark-mode', root.dataset.theme === 'dark' || (root.dataset.theme !== 'light' && dark.matches));
  }
  document.addEventListener('DOMContentLoaded', function () {
    var place = document.getElementById('api');
    if (!place || !window.SwaggerUIBundle) return;
    colour();
    dark.addEventListener('change', colour);
    new MutationObserver(colour).observe(root, { attributes: true, attributeFilter: ['data-theme'] });
    window.SwaggerUIBundle({
      url: place.dataset.document,
      domNode: place,
      deepLinking: true,
      defaultModelsExpandDepth: 0,
      displayRequestDuration: true,
      docExpansion: 'list',
      validatorUrl: null,
      requestInterceptor: function (request) {
        var token = document.querySelector('#api-token input[name="csrf"]');
        if (token) request.headers['X-CSRF-Token'] = token.value;
        return request;
      }
    });
  });
})();
