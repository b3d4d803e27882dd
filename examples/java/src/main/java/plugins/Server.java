package plugins;

import coprocess.CoprocessObject.Event;
import coprocess.CoprocessObject.EventReply;
import coprocess.DispatcherGrpc;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.net.InetSocketAddress;

/** A plugin server: five hooks, one for each point of a request's life, behind one gRPC address. */
public final class Server extends DispatcherGrpc.DispatcherImplBase {
  private static final Metadata.Key<String> TRACEPARENT_HEADER =
      Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER);

  /** The W3C trace context that the call came with; null without one. */
  static final Context.Key<String> TRACEPARENT = Context.key("traceparent");

  /** Runs the hook that the gateway asks for. */
  @Override
  public void dispatch(
      coprocess.CoprocessObject.Object call, StreamObserver<coprocess.CoprocessObject.Object> answers) {
    Hook hook = Hooks.ALL.get(call.getHookName());
    if (hook == null) {
      String message = "there is no hook \"" + call.getHookName() + "\" here";
      answers.onError(Status.UNIMPLEMENTED.withDescription(message).asRuntimeException());
      return;
    }
    // The hook edits a copy of the call; what it leaves alone stays as it is.
    var edited = call.toBuilder();
    hook.run(edited);
    answers.onNext(edited.build());
    answers.onCompleted();
  }

  /** Told of what happened in the gateway, for example a key that expired. */
  @Override
  public void dispatchEvent(Event event, StreamObserver<EventReply> replies) {
    System.err.println("event: " + event.getPayload());
    replies.onNext(EventReply.getDefaultInstance());
    replies.onCompleted();
  }

  public static void main(String[] args) throws Exception {
    String address = System.getenv().getOrDefault("LISTEN", "127.0.0.1:5557");
    for (int i = 0; i + 1 < args.length; i++) {
      if (args[i].equals("--listen")) address = args[i + 1];
    }
    int colon = address.lastIndexOf(':');
    String host = address.substring(0, colon);
    var server =
        NettyServerBuilder.forAddress(new InetSocketAddress(host, Integer.parseInt(address.substring(colon + 1))))
            .addService(new Server())
            .intercept(new TraceparentInterceptor())
            .build()
            .start();
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdown));
    System.out.println("listening on " + host + ":" + server.getPort());
    server.awaitTermination();
  }

  /** Puts the caller's trace context where hooks find it. */
  private static final class TraceparentInterceptor implements ServerInterceptor {
    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      Context context = Context.current().withValue(TRACEPARENT, headers.get(TRACEPARENT_HEADER));
      return Contexts.interceptCall(context, call, headers, next);
    }
  }
}
