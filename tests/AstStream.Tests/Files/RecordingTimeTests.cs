using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using AstStream.Connectors.Files;

namespace AstStream.Tests.Files;

public sealed class RecordingTimeTests : IDisposable
{
    private static readonly TimeZoneInfo s_east = TimeZoneInfo.CreateCustomTimeZone("east", TimeSpan.FromHours(2), "east", "east");

    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("20260501_060000.WAV", "2026-05-01T06:00:00+02:00")] // AudioMoth, in the zone that is given
    [InlineData("SMM01234_20260501_060000.wav", "2026-05-01T06:00:00+02:00")] // Song Meter Mini
    [InlineData("S4A01234_0+1_20260501$060000.wav", "2026-05-01T06:00:00+02:00")] // Song Meter, triggered
    [InlineData("porch 2026-05-01T06-00-00Z.flac", "2026-05-01T06:00:00Z")]
    [InlineData("2026-05-01_06.00.00+0530.wav", "2026-05-01T06:00:00+05:30")]
    [InlineData("20260501T060000.123-0330 yard.wav", "2026-05-01T06:00:00-03:30")]
    [InlineData("5EB0F5C0.WAV", "2020-05-05T05:12:32Z")] // AudioMoth's earlier ones
    [InlineData("a 20261301_060000 then 20260501_060000.wav", "2026-05-01T06:00:00+02:00")] // there is no month 13
    [InlineData("20260501_060000-02.wav", "2026-05-01T06:00:00+02:00")] // its second part
    [InlineData("20260501_060000-0012.wav", "2026-05-01T06:00:00+02:00")] // its twelfth part
    [InlineData("20260230_060000.wav", null)]
    [InlineData("120260501_060000.wav", null)]
    [InlineData("20260501.wav", null)]
    [InlineData("12345678.wav", null)]
    [InlineData("scene.wav", null)]
    public void FromName_NamesOfRecorders_SayWhen(string name, string? expected) => Assert.Equal(
        expected is null ? null : DateTimeOffset.Parse(expected, CultureInfo.InvariantCulture), RecordingTime.FromName(name, s_east));

    [Fact]
    public void Of_ABextChunk_SaysItToTheSample()
    {
        var chunk = new byte[602];
        "2026-05-0106:00:01"u8.CopyTo(chunk.AsSpan(320));
        BinaryPrimitives.WriteUInt64LittleEndian(chunk.AsSpan(338), (6UL * 3600 * 16_000) + 24_000);

        Assert.Equal(
            new DateTimeOffset(2026, 5, 1, 6, 0, 1, 500, TimeSpan.FromHours(2)), RecordingTime.Of(Write("x.wav", ("bext", chunk)), s_east));

        BinaryPrimitives.WriteUInt64LittleEndian(chunk.AsSpan(338), 5); // of another clock
        Assert.Equal(
            new DateTimeOffset(2026, 5, 1, 6, 0, 1, TimeSpan.FromHours(2)), RecordingTime.Of(Write("x.wav", ("bext", chunk)), s_east));
    }

    [Theory]
    [InlineData("LIST", "INFOICMT\0\0\0\0Recorded at 06:00:00 01/05/2026 (UTC) by AudioMoth 24", "2026-05-01T06:00:00Z")]
    [InlineData("LIST", "INFOICMT\0\0\0\0Recorded at 06:00:00.250 01/05/2026 (UTC-3) by AudioMoth", "2026-05-01T06:00:00-03:00")]
    [InlineData("LIST", "INFOICMT\0\0\0\0Recorded at 06:00:00 01/05/2026 (UTC+5:30)", "2026-05-01T06:00:00+05:30")]
    [InlineData("guan", "GUANO|Version: 1.0\nTimestamp: 2026-05-01T06:00:00.5+01:00\nNote: x", "2026-05-01T06:00:00.5+01:00")]
    [InlineData("guan", "GUANO|Version: 1.0\nTimestamp: 2026-05-01 06:00:00\n", "2026-05-01T06:00:00+02:00")]
    [InlineData("guan", "GUANO|Version: 1.0\nTimestamp: 0001-01-01 00:00:00\n", "2020-01-01T00:00:00+02:00")] // a clock not set
    [InlineData("guan", "GUANO|Version: 1.0\nTimestamp: tomorrow\n", "2020-01-01T00:00:00+02:00")] // then the name does
    public void Of_ChunksOfRecorders_GoBeforeTheName(string chunk, string text, string expected) => Assert.Equal(
        DateTimeOffset.Parse(expected, CultureInfo.InvariantCulture),
        RecordingTime.Of(Write("20200101_000000.wav", (chunk, Encoding.UTF8.GetBytes(text))), s_east));

    [Fact]
    public void Of_FilesThatAreNoWav_AreKnownByTheirNames()
    {
        var path = Path.Combine(_folder, "20260501_060000.flac");
        File.WriteAllText(path, "fLaC");

        Assert.Equal(new DateTimeOffset(2026, 5, 1, 6, 0, 0, TimeSpan.Zero), RecordingTime.Of(path, TimeZoneInfo.Utc));
        Assert.Null(RecordingTime.Of(Path.Combine(_folder, "missing.wav"), TimeZoneInfo.Utc));
        Assert.Null(RecordingTime.Of(Write("x.wav", ("bext", [])), TimeZoneInfo.Utc));
    }

    private string Write(string name, (string Name, byte[] Content) chunk)
    {
        var path = Path.Combine(_folder, name);
        using var file = new BinaryWriter(File.Create(path));
        file.Write("RIFF"u8);
        file.Write(0);
        file.Write("WAVEfmt "u8);
        foreach (var field in (int[])[16, 0x00010001, 16_000, 32_000, 0x00100002])
            file.Write(field);
        file.Write("data"u8);
        file.Write(3);
        file.Write((byte[])[1, 2, 3, 0]); // of odd length
        file.Write(Encoding.ASCII.GetBytes(chunk.Name));
        file.Write(chunk.Content.Length);
        file.Write(chunk.Content);
        return path;
    }
}
