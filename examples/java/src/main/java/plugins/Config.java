package plugins;

import com.google.gson.Gson;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The config_data of the API definition. */
record Config(String header, String value, Map<String, Key> keys) {
  /** What a caller may do: rate requests in per seconds, quota_max requests in quota_renewal_rate seconds. */
  record Key(String plan, double rate, double per, long quota_max, long quota_renewal_rate) {}

  private static final Map<String, Config> PARSED = new ConcurrentHashMap<>();

  /** Parsed once per text: that is new only when the definition changes. */
  static Config of(coprocess.CoprocessObject.Object.Builder call) {
    return PARSED.computeIfAbsent(
        call.getSpecOrDefault("config_data", "{}"), text -> new Gson().fromJson(text, Config.class));
  }
}
