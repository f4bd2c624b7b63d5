// Shows the OpenAPI document by Swagger UI in place of the table. Requests that are tried carry the page's token against forged ones.
(function () {
  'use strict';
  document.addEventListener('DOMContentLoaded', function () {
    var place = document.getElementById('api');
    if (!place || !window.SwaggerUIBundle) return;
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
