using AstStream.Connectors.Capture;

namespace AstStream.Tests.Capture;

public class SoundServerTests
{
    private static readonly AudioDevice s_pulse = new(3, "ALSA", "pulse", 32, 44100, 0.01, 0.04, true);

    [Fact]
    public void Parse_WhatPactlSays_IsSourcesByTheirOwnNamesMonitorsLast()
    {
        const string json = """
            [{"index":0,"name":"porch.monitor","description":"Monitor of Porch","sample_specification":"s16le 2ch 44100Hz"},
             {"index":1,"name":"alsa_input.usb-Yeti","description":"Yeti Stereo","sample_specification":"float32le 1ch 48000Hz"},
             {"index":2,"name":"nameless","description":"","sample_specification":"odd"},
             {"index":3}, 7]
            """;

        var sources = SoundServer.Parse(json, "alsa_input.usb-Yeti", s_pulse).ToList();

        Assert.Equal(["Yeti Stereo", "nameless", "Monitor of Porch"], sources.Select(s => s.Name));
        Assert.Equal(["alsa_input.usb-Yeti", "nameless", "porch.monitor"], sources.Select(s => s.ServerSource));
        Assert.Equal([(1, 48000.0), (1, 44100.0), (2, 44100.0)], sources.Select(s => (s.Channels, s.SampleRate)));
        Assert.Equal([true, false, false], sources.Select(s => s.IsServerDefault));
        Assert.Equal([false, false, true], sources.Select(s => s.IsMonitor));
        Assert.All(sources, s => Assert.Equal(3, s.Index));
    }

    [Fact]
    public void Parse_TwoOfOneMake_HaveNamesThatTellThemApart()
    {
        const string json = """
            [{"name":"usb-1","description":"Yeti"},{"name":"usb-2","description":"Yeti"},{"name":"x","description":"X"}]
            """;

        Assert.Equal(["Yeti (usb-1)", "Yeti (usb-2)", "X"], SoundServer.Parse(json, null, s_pulse).Select(s => s.Name));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Connection failure: Connection refused")]
    [InlineData("{}")]
    public void Parse_NoSources_IsNone(string json) => Assert.Empty(SoundServer.Parse(json, null, s_pulse));

    [Theory]
    [InlineData("USB", null, "USB Audio: - (hw:1,0)")] // a card goes before a server's source of it
    [InlineData("Yeti", null, "Yeti Stereo")]
    [InlineData("usb", "PulseAudio", "USB Audio Analog")]
    [InlineData(null, "PulseAudio", "Yeti Stereo")]
    public void Pick_CardsAndSourcesOfAServer_FindsTheOne(string? name, string? hostApi, string found)
    {
        AudioDevice Source(string n, bool isDefault = false) =>
            new(3, SoundServer.HostApi, n, 2, 44100, 0.1, 0.1, false) { ServerSource = n, IsServerDefault = isDefault };
        AudioDevice[] devices =
        [
            new(1, "ALSA", "USB Audio: - (hw:1,0)", 1, 44100, 0.01, 0.04, false), s_pulse, Source("USB Audio Analog"),
            Source("Yeti Stereo", true),
        ];

        Assert.Equal(found, new DeviceChoice(name, hostApi, null).Pick(devices).Name);
    }
}
