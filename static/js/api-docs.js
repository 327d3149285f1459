// Swagger's page over our schema. It stores nothing; the token one types stays in the page.
const place = document.getElementById("swagger-ui")

window.SwaggerUIBundle({
  url: place.dataset.schemaUrl,
  domNode: place,
  deepLinking: true,
  docExpansion: "list",
  displayOperationId: true,
  persistAuthorization: false,
  validatorUrl: null,
  presets: [window.SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
})
