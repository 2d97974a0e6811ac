# The one form of IPC::Run's run that nixos-container uses: run [command], ">", \my $output.
package IPC::Run;
use strict;
use Exporter 'import';
our @EXPORT_OK = qw(run);
sub run { my ($command, undef, $output) = @_; open(my $in, '-|', @$command) or die "$command->[0]: $!"; local $/; $$output = <$in>; return close($in); }
1;
