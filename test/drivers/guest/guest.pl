#!/usr/bin/perl
# The guest half of docs/guest-protocol.md in Perl, with core modules only. A plugin is a file that ends in a hash of hooks:
#   { stamp => sub { my ($call, $host) = @_; return { request => { setHeaders => ['Foo', 'Bar'] } } } }
use strict;
use warnings;
use JSON::PP;
use Time::HiRes 'time';

open my $in,  '<&=', 3 or die "no channel to read: $!";
open my $out, '>&=', 4 or die "no channel to write: $!";
binmode $_ for $in, $out;
my $json = JSON::PP->new->utf8->allow_nonref;
my (@todo, @outbox, %cancelled, %hooks, %replies);
my ($last_request, $flushed) = (0, 0);

# All of n bytes, however they come; nothing when the host has gone.
sub read_bytes {
    my ($n, $bytes) = (shift, '');
    while (length $bytes < $n) {
        sysread($in, $bytes, $n - length $bytes, length $bytes) or exit;
    }
    return $bytes;
}

sub write_bytes {
    my ($bytes, $at) = (shift, 0);
    while ($at < length $bytes) { $at += syswrite($out, $bytes, length($bytes) - $at, $at) // exit }
}

# Wait for one frame, and sort its messages: replies and cancels count at once, the rest waits for its turn.
sub read_frame {
    my ($length, $header_length) = unpack 'NN', read_bytes(8);
    my $header = $json->decode(read_bytes($header_length));
    my $rest = read_bytes($length - 4 - $header_length);
    my $at = 0;
    for my $message (@$header) {
        $message->{parts} = [map { my $part = substr $rest, $at, $_; $at += $_; $part } @{$message->{bytes} // []}];
        if    ($message->{type} eq 'reply')  { $replies{$message->{id}} = $message }
        elsif ($message->{type} eq 'cancel') { $cancelled{$message->{id}} = 1 }
        else { $message->{until} = time + ($message->{timeoutMs} // 0) / 1000; push @todo, $message }
    }
}

sub send_message {
    my ($message, @parts) = @_;
    $message->{bytes} = [map { length } @parts] if @parts;
    push @outbox, [$message, @parts];
}

sub flush_messages {
    return unless @outbox;
    my $header = $json->encode([map { $_->[0] } @outbox]);
    my $rest = join '', map { my (undef, @parts) = @$_; @parts } @outbox;
    write_bytes(pack('NN', 4 + length($header) + length $rest, length $header) . $header . $rest);
    @outbox = ();
    $flushed = time;
}

# Ask the gateway for a service, and wait for what it says.
sub ask {
    my ($service, $args) = @_;
    my $id = ++$last_request;
    send_message({type => 'request', id => $id, service => $service, args => $args});
    flush_messages();
    read_frame() until exists $replies{$id};
    my $reply = delete $replies{$id};
    die "$reply->{error}\n" if defined $reply->{error};
    return $reply->{result};
}

my $host = {
    ask => \&ask,
    log => sub { my ($level, $text) = @_; send_message({type => 'log', level => $level, message => $text}) },
};

sub load_hooks {
    my ($load) = @_;
    my @reports;
    for my $hook (@{$load->{hooks}}) {
        my $plugin = do $hook->{file};
        my $run = ref $plugin eq 'HASH' ? $plugin->{$hook->{name}} : undef;
        $hooks{$hook->{index}} = {run => $run, config => $load->{set}{config}};
        push @reports, $run ? {ready => JSON::PP::true, body => 'buffered'}
            : {ready => JSON::PP::false, reason => $@ || "$hook->{file} has no hook \"$hook->{name}\""};
    }
    send_message({type => 'loaded', hooks => \@reports});
}

sub run_call {
    my ($call) = @_;
    my $id = $call->{id};
    return send_message({type => 'error', id => $id, reason => 'CANCELLED', message => 'given up'})
        if delete $cancelled{$id} || time > $call->{until};
    my $began = time;
    my $hook = $hooks{$call->{hook}};
    $call->{config} = $hook->{config};
    my $answer = eval { $hook->{run}->($call, $host) // {} };
    return send_message({type => 'error', id => $id, reason => 'HOOK_THREW', message => "$@"}) if $@;
    my @parts = @{delete $answer->{parts} // []};
    send_message({%$answer, type => 'answer', id => $id, us => int(1e6 * (time - $began))}, @parts);
}

send_message({type => 'hello', protocol => 1, language => "perl $^V", capabilities => {concurrency => 64}});
flush_messages();
while (1) {
    read_frame() unless @todo;
    my $message = shift @todo or next;
    if    ($message->{type} eq 'load') { load_hooks($message) }
    elsif ($message->{type} eq 'call') { run_call($message) }
    elsif ($message->{type} eq 'end')  { exit }
    # Answers share a frame, unless a hook was slow: then they have waited long enough.
    flush_messages() if !@todo || time - $flushed > 0.001;
}
