namespace AstStream.IntegrationTests;

/// <summary>Files of sound for tests.</summary>
internal static class Tones
{
    /// <summary>A 440 Hz tone, 16-bit mono at 16 kHz.</summary>
    public static string Write(string folder, string name, int seconds)
    {
        var path = Path.Combine(folder, name);
        using var writer = new BinaryWriter(File.Create(path));
        writer.Write("RIFF"u8);
        writer.Write(36 + (seconds * 32000));
        writer.Write("WAVEfmt "u8);
        foreach (var field in (int[])[16, 0x00010001, 16000, 32000, 0x00100002])
            writer.Write(field);
        writer.Write("data"u8);
        writer.Write(seconds * 32000);
        for (var i = 0; i < seconds * 16000; i++)
            writer.Write((short)(8000 * Math.Sin(2 * Math.PI * 440 * i / 16000)));
        return path;
    }
}
