using System.Text;

namespace AstStream.Streaming.Definitions;

/// <summary>
/// Lines NAME=VALUE as systemd's EnvironmentFile= and shells agree on them: '…' holds everything as it is, "…" with \ before \, ", `
/// and $; a line that begins with # says nothing.
/// </summary>
public static class SecretsText
{
    private const string Escaped = "\\\"`$";

    /// <summary>The value of a name, the last one that is given; null where there is none.</summary>
    public static string? Find(string text, string name)
    {
        string? found = null;
        foreach (var line in text.Split('\n'))
        {
            var (at, trimmed) = (line.IndexOf('=', StringComparison.Ordinal), line.Trim());
            if (!trimmed.StartsWith('#') && at > 0 && line[..at].Trim() == name)
                found = Unquoted(line[(at + 1)..].Trim());
        }

        return found;
    }

    /// <summary>A line that gives a name a value.</summary>
    /// <exception cref="InvalidDataException">The value has a line break or another control character.</exception>
    public static string Line(string name, string value)
    {
        if (value.Any(char.IsControl))
            throw new InvalidDataException($"{name} has a line break or another control character in it; expected a secret in one line");
        if (!value.Contains('\'', StringComparison.Ordinal))
            return $"{name}='{value}'";
        var quoted = new StringBuilder();
        foreach (var c in value)
            quoted.Append(Escaped.Contains(c, StringComparison.Ordinal) ? "\\" : "").Append(c);
        return $"{name}=\"{quoted}\"";
    }

    private static string Unquoted(string value)
    {
        if (value is ['\'', .. var plain, '\''])
            return plain;
        if (value is not ['"', .. var quoted, '"'])
            return value;
        var text = new StringBuilder();
        for (var i = 0; i < quoted.Length; i++)
        {
            if (quoted[i] == '\\' && i + 1 < quoted.Length && Escaped.Contains(quoted[i + 1], StringComparison.Ordinal))
                i++;
            text.Append(quoted[i]);
        }

        return text.ToString();
    }
}
