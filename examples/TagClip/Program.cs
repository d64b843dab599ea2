using AstStream.Connectors.Files;
using AstStream.Learning;

// dotnet run --project examples/TagClip -- pipelines/models/ast-audioset-tiny clip.wav
using var tagger = AudioTagger.Open(args[0]);
await using var sound = await AudioFile.OpenAsync(args[1]);
foreach (var (start, tags) in tagger.TagWindows(sound))
    Console.WriteLine($"{start,7:0.00} s  {string.Join("  ", tags.Take(3).Select(t => $"{t.Label} {t.Score:0.00}"))}");
