var showSession = new TykJS.TykMiddleware.NewMiddleware({});
showSession.NewProcessRequest((request, session, config) => {
  var saw = { present: session !== null && session.per > 0 };
  if (saw.present) {
    saw.alias = session.alias || '';
    saw.rate = session.rate;
    saw.per = session.per;
    saw.quotaMax = session.quota_max || 0;
    saw.tags = session.tags || [];
    saw.org = session.org_id;
    saw.rights = Object.keys(session.access_rights || {});
    saw.metadata = session.meta_data || {};
  }
  request.SetHeaders['X-Session'] = JSON.stringify(saw);
  return showSession.ReturnData(request, session === null ? {} : session.meta_data || {});
});

var changeSession = new TykJS.TykMiddleware.NewMiddleware({});
changeSession.NewProcessRequest((request, session, config) => {
  session.alias = 'changed';
  var metadata = session.meta_data;
  metadata.added = 'by a hook';
  return changeSession.ReturnData(request, metadata);
});
