var boom = new TykJS.TykMiddleware.NewMiddleware({});
boom.NewProcessRequest(() => {
  throw new Error('the hook broke');
});

var hang = new TykJS.TykMiddleware.NewMiddleware({});
hang.NewProcessRequest(() => {
  for (;;) {}
});
