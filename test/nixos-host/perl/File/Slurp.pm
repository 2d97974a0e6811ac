# The two functions of File::Slurp that nixos-container uses.
package File::Slurp;
use strict;
use Exporter 'import';
our @EXPORT = qw(read_file write_file);
sub read_file { my ($file) = @_; open(my $in, '<', $file) or die "read_file '$file': $!"; local $/; return <$in>; }
sub write_file {
    my ($file, $content) = @_;
    open(my $out, '>', $file) or die "write_file '$file': $!";
    print $out ref $content ? @$content : $content;
    close($out);
}
1;
