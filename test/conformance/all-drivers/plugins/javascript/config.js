var showConfig = new TykJS.TykMiddleware.NewMiddleware({});
showConfig.NewProcessRequest((request, session, config) => {
  request.SetHeaders['X-Config'] = JSON.stringify({
    api: config.APIID,
    org: config.OrgID,
    data: config.config_data || {},
  });
  return showConfig.ReturnData(request, {});
});
