namespace AstStream.Dsp;

/// <summary>SF_INFO of libsndfile.</summary>
internal struct SoundFileInfo
{
    public long Frames;
    public int SampleRate;
    public int Channels;
    public int Format;
    public int Sections;
    public int Seekable;
}
