package plugins;

import com.google.protobuf.ByteString;
import coprocess.CoprocessObject;
import coprocess.CoprocessSessionState.SessionState;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.regex.Pattern;

final class Hooks {
  /** The functions that an API definition can name. */
  static final Map<String, Hook> ALL =
      Map.of(
          "Stamp", Hooks::stamp,
          "CheckKey", Hooks::checkKey,
          "ShowPlan", Hooks::showPlan,
          "Route", Hooks::route,
          "Mask", Hooks::mask);

  private static final Pattern CARD_NUMBER = Pattern.compile("\\b\\d{12}(\\d{4})\\b");

  /** Pre: set the header that config_data names, and show that the trace reaches the plugin. */
  private static void stamp(CoprocessObject.Object.Builder call) {
    Config config = Config.of(call);
    var request = call.getRequestBuilder();
    request.putSetHeaders(config.header(), config.value());
    String traceparent = Server.TRACEPARENT.get();
    if (traceparent != null) request.putSetHeaders("X-Seen-Traceparent", traceparent);
  }

  /** CustomKeyCheck: turn the key of the Authorization header into a session, or answer 401. */
  private static void checkKey(CoprocessObject.Object.Builder call) {
    String header = call.getRequest().getHeadersOrDefault("Authorization", "");
    String token = header.startsWith("Bearer ") ? header.substring("Bearer ".length()) : header;
    Config.Key key = Config.of(call).keys().get(token);
    if (key == null) {
      call.getRequestBuilder()
          .getReturnOverridesBuilder()
          .setResponseCode(401)
          .setResponseError("Unknown key");
      return;
    }
    call.setSession(
        SessionState.newBuilder()
            .setRate(key.rate())
            .setPer(key.per())
            .setQuotaMax(key.quota_max())
            .setQuotaRenewalRate(key.quota_renewal_rate())
            .putMetadata("plan", key.plan()));
    // The name under which the gateway counts this caller's rate and quota.
    call.putMetadata("token", token);
  }

  /** PostKeyAuth: tell the upstream which plan the caller is on. */
  private static void showPlan(CoprocessObject.Object.Builder call) {
    call.getRequestBuilder()
        .putSetHeaders("X-Plan", call.getSession().getMetadataOrDefault("plan", ""))
        .addDeleteHeaders("Authorization");
  }

  /** Post: serve paths that have moved, and add a query parameter. */
  private static void route(CoprocessObject.Object.Builder call) {
    var request = call.getRequestBuilder();
    // A query in url would be ignored: it is changed through add_params and delete_params.
    request.setUrl(request.getUrl().replaceFirst("/old/", "/new/"));
    request.putAddParams("via", "java");
  }

  /** Response: hide all but the last four digits of card numbers, and say how many were hidden. */
  private static void mask(CoprocessObject.Object.Builder call) {
    var response = call.getResponseBuilder();
    // Bytes as characters and back, so that a body in any encoding survives.
    String body = response.getRawBody().toString(StandardCharsets.ISO_8859_1);
    long found = CARD_NUMBER.matcher(body).results().count();
    String masked = CARD_NUMBER.matcher(body).replaceAll("************$1");
    // Of the two bodies only raw_body counts on the way back.
    response.setRawBody(ByteString.copyFrom(masked, StandardCharsets.ISO_8859_1));
    response.putHeaders("X-Masked", Long.toString(found));
  }

  private Hooks() {}
}
