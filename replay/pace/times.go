package pace

// Times is a setting so many times as fast, within the bounds of what can be set.
func (s Setting) Times(factor float64) Setting {
	return Setting{
		unlimited: s.unlimited,
		events:    timesRate(s.events, factor, maxEventsPerSecond),
		bytes:     timesRate(s.bytes, factor, maxBytesPerSecond),
		speed:     timesSpeed(s.speed, factor),
	}
}

func timesRate[R EventsPerSecond | BytesPerSecond](rate R, factor, most float64) R {
	if rate == 0 {
		return 0
	}
	return R(min(max(1, float64(rate)*factor), most))
}

func timesSpeed(speed Speed, factor float64) Speed {
	if speed == 0 {
		return 0
	}
	return Speed(min(max(minSpeed, float64(speed)*factor), maxSpeed))
}
