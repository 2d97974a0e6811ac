/**
 * Shell lines that pack history to standard output. Standard input: one "want" or "^have" per line. What the repository
 * does not have of the latter is left out.
 */
export const PACK_HISTORY = `
ulimit -f 65536
cat > /tmp/ends
sed -n 's/^^//p' /tmp/ends | git cat-file --batch-check='%(objecttype) %(objectname)' > /tmp/haves
{
  grep -v '^^' /tmp/ends
  while read -r type have rest; do [ "$type" = missing ] || [ "$have" = missing ] || echo "^$have"; done < /tmp/haves
} > /tmp/list
exec git pack-objects --revs --stdout -q --thin --delta-base-offset --threads=1 < /tmp/list
`;
