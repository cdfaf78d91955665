# Prints what bash completes on some lines.
source <(theeye completion bash) || exit 1
for line in 'theeye ev' 'theeye schema h' 'theeye replay --dry' 'theeye --json events --ses' 'theeye sessions --min-' 'theeye nothing'; do
  COMP_WORDS=($line) COMP_CWORD=$(($(wc -w <<< "$line") - 1)) COMPREPLY=()
  _theeye
  echo "$line: ${COMPREPLY[*]}"
done
