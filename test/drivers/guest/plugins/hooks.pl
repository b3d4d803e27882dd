# Hooks for guest.pl, as an API developer would write them.
use utf8;
{
    stamp => sub {
        my ($call) = @_;
        return {request => {
            setHeaders => ['Foo', 'Bär', 'X-Plan', $call->{config}{plan}, 'X-Session', ($call->{session}{rate} // 'none') . ''],
            deleteHeaders => ['X-Gone'],
            addParams => ['q', 'a b'],
            body => 0,
        }, parts => [uc $call->{parts}[$call->{request}{body}]]};
    },
    teapot => sub { return {reply => {status => 418, headers => ['X-Tea', 'green'], body => 'short and stout'}} },
    who => sub {
        my ($call, $host) = @_;
        $host->{log}->('info', 'asking');
        my $user = $host->{ask}->('storage.get', {key => 'user'})->{found};
        return {session => {rate => 5.5, quota_max => -1, metadata => {token => $user}}};
    },
    mask => sub {
        my ($call) = @_;
        my $body = $call->{parts}[$call->{response}{body}];
        $body =~ s/\d/*/g;
        return {response => {status => 203, headers => ['X-Masked', 'yes', 'X-Masked', 'twice'], body => 0}, parts => [$body]};
    },
    broken => sub { die "out of luck\n" },
    lying => sub { return {reply => {status => 'fine'}} },
}
