import { type ChannelOptions, connectivityState, experimental } from '@grpc/grpc-js';

/**
 * The picker of a channel, kept in sight. grpc-js hands each new picker of its balancing policy up to the channel; a policy of our own,
 * with the real one inside, sees them pass. A call that knows the picker can start on the connection itself, past the layers that
 * resolve, retry and balance.
 */
export interface ReadyPicker {
  /** undefined while no connection is ready. */
  picker: experimental.Picker | undefined;
}

/** A picker to watch, and the service configuration of the one channel that it belongs to. */
export function watchPicker(policy: 'pick_first' | 'round_robin'): { ready: ReadyPicker; serviceConfig: string } {
  const ready: ReadyPicker = { picker: undefined };
  const id = ++lastId;
  watched.set(id, ready);
  const balancing = [{ [balancerName]: { id, policy: { [policy]: {} } } }];
  return { ready, serviceConfig: JSON.stringify({ loadBalancingConfig: balancing }) };
}

const balancerName = 'interpose_ready_picker';

/** By the id in the service configuration, which is text. One for each configured server, as long as the process lives. */
const watched = new Map<number, ReadyPicker>();
let lastId = 0;

type Addresses = Parameters<experimental.LoadBalancer['updateAddressList']>[0];

class WatchedConfig implements experimental.TypedLoadBalancingConfig {
  readonly id: number;
  readonly policy: experimental.TypedLoadBalancingConfig;

  constructor(id: number, policy: experimental.TypedLoadBalancingConfig) {
    this.id = id;
    this.policy = policy;
  }

  static createFromJson(config: { id: number; policy: Parameters<typeof experimental.parseLoadBalancingConfig>[0] }) {
    return new WatchedConfig(config.id, experimental.parseLoadBalancingConfig(config.policy));
  }

  getLoadBalancerName(): string {
    return balancerName;
  }

  toJsonObject(): object {
    return { [balancerName]: { id: this.id, policy: this.policy.toJsonObject() } };
  }
}

class WatchedBalancer implements experimental.LoadBalancer {
  private readonly policy: experimental.ChildLoadBalancerHandler;
  private id = 0;

  constructor(channel: experimental.ChannelControlHelper) {
    this.policy = new experimental.ChildLoadBalancerHandler(
      experimental.createChildChannelControlHelper(channel, {
        updateState: (state, picker, message) => {
          this.show(state === connectivityState.READY ? picker : undefined);
          channel.updateState(state, picker, message);
        },
      }),
    );
  }

  updateAddressList(
    addresses: Addresses,
    config: experimental.TypedLoadBalancingConfig,
    options: ChannelOptions,
    note: string,
  ): boolean {
    if (!(config instanceof WatchedConfig)) return false;
    this.id = config.id;
    return this.policy.updateAddressList(addresses, config.policy, options, note);
  }

  exitIdle(): void {
    this.policy.exitIdle();
  }

  resetBackoff(): void {
    this.policy.resetBackoff();
  }

  destroy(): void {
    this.show(undefined);
    this.policy.destroy();
  }

  getTypeName(): string {
    return balancerName;
  }

  private show(picker: experimental.Picker | undefined): void {
    const ready = watched.get(this.id);
    if (ready !== undefined) ready.picker = picker;
  }
}

experimental.registerLoadBalancerType(balancerName, WatchedBalancer, WatchedConfig);
