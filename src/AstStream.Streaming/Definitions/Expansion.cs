using System.Text;
using System.Text.RegularExpressions;
using AstStream.Dsp;
using AstStream.Streaming.Telemetry;

namespace AstStream.Streaming.Definitions;

/// <summary>
/// Values of a definition that stand elsewhere: ${env:NAME} is an environment variable, or what the file secrets.env in the definition's
/// folder says of it; ${file:PATH} is what is in a small file. They count as secrets.
/// </summary>
public static partial class Expansion
{
    /// <summary>The file with lines NAME=VALUE (<see cref="SecretsText"/>); the environment goes before it.</summary>
    public const string SecretsFile = "secrets.env";

    private const int MaxBytes = 65_536; // of a file

    /// <summary>
    /// The text with what stands elsewhere put in; null where that is not there, which is noted as a problem. Problems never show a value.
    /// </summary>
    public static string? Expand(string text, string baseFolder, Action<string> problem)
    {
        if (!text.Contains("${", StringComparison.Ordinal))
            return text;
        var isGood = true;
        var expanded = Reference().Replace(text, match =>
        {
            var (kind, what) = (match.Groups["kind"].Value, match.Groups["what"].Value);
            var value = kind switch
            {
                "env" => Variable(what, baseFolder, problem),
                "file" => Content(what, baseFolder, problem),
                _ => Unknown(kind, problem),
            };
            isGood &= value is not null;
            if (value is not null)
                Secrets.Add(value);
            return value ?? "";
        });
        if (!isGood)
            return null;
        if (expanded.Length > 0)
            return expanded;
        problem($"{text} is empty; expected a value there");
        return null;
    }

    private static string? Unknown(string kind, Action<string> problem)
    {
        problem($"found '${{{kind}:…}}'; expected ${{env:NAME}} or ${{file:PATH}}");
        return null;
    }

    private static string? Variable(string name, string baseFolder, Action<string> problem)
    {
        if (Environment.GetEnvironmentVariable(name) is { } value)
            return value;
        if (!File.Exists(Path.Combine(baseFolder, SecretsFile)))
        {
            problem($"${{env:{name}}}: the environment has no {name}");
            return null;
        }

        if (Content(SecretsFile, baseFolder, problem) is not { } text)
            return null;
        if (SecretsText.Find(text, name) is { } kept)
            return kept;
        problem($"${{env:{name}}}: neither the environment nor {SecretsFile} has {name}");
        return null;
    }

    /// <summary>All of a file but the line breaks at its end.</summary>
    private static string? Content(string path, string baseFolder, Action<string> problem)
    {
        var full = Path.GetFullPath(path, baseFolder);
        try
        {
            using var file = RegularFile.Open(full);
            var bytes = new byte[MaxBytes + 1];
            var length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (length <= MaxBytes)
                return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes, 0, length).TrimEnd('\r', '\n');
            problem($"${{file:{path}}}: {full} is larger than {MaxBytes / 1024} KiB; expected a file with one value");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException or ArgumentException)
        {
            problem($"${{file:{path}}}: {full} "
                + $"{(e is FileNotFoundException or DirectoryNotFoundException ? "is not there"
                    : e is DecoderFallbackException or ArgumentException ? "is no text in UTF-8" : $"can't be read: {e.Message}")}");
        }

        return null;
    }

    [GeneratedRegex(@"\$\{(?<kind>[A-Za-z]+):(?<what>[^}]*)\}")]
    private static partial Regex Reference();
}
